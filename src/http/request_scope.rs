//! Mark of a task that runs a request, so that the panic hook can distinguish requests from all
//! other tasks.

tokio::task_local! {
    static REQUEST: ();
}

/// Runs a future marked as a request.
pub(super) async fn scope<F: Future>(future: F) -> F::Output {
    REQUEST.scope((), future).await
}

/// Returns whether the caller runs inside a request: a panic there is caught and answered 500, and
/// must not end the process. False in destructors that run while threads end.
pub fn in_request() -> bool {
    REQUEST.try_with(|()| ()).is_ok()
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn only_the_inside_of_a_request_is_marked() {
        assert!(!super::in_request());
        assert!(super::scope(async { super::in_request() }).await);
        assert!(!super::in_request());
    }
}
