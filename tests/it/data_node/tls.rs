//! TLS to data nodes: which certificates are trusted, which are refused, and the texts of refusals.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use influxdb_meta::base::Address;
use influxdb_meta::data_node::{DataNodes, DataNodesConfig, Failed, FailureCause, OtherService};
use influxdb_meta::runtime::Env;
use influxdb_meta::tls::{Places, TlsError, TlsHandshakeError, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::time::Instant;

use super::meta::PATIENCE;
use super::model::{DataNode, Held, Options};
use super::model_client::options;

/// A certificate with its key, and a server's configuration that uses them.
struct Server {
    pem: String,
    config: rustls::ServerConfig,
}

fn server(
    certificate: &rcgen::Certificate,
    key: &KeyPair,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Server {
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a fitting key");
    Server {
        pem: certificate.pem(),
        config,
    }
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>(),
    )
    .expect("names")
}

/// Gives the certificate a subject name of its own.
fn named(mut params: CertificateParams) -> CertificateParams {
    params
        .distinguished_name
        .push(DnType::CommonName, "data nodes");
    params
}

fn self_signed(params: CertificateParams) -> Server {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    server(&certificate, &key, rustls::ALL_VERSIONS)
}

/// A certificate as `openssl req -x509` makes it: it is its own authority.
fn openssl_like(mut params: CertificateParams) -> Server {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    self_signed(params)
}

fn start(dir: &TempDir, config: rustls::ServerConfig) -> DataNode {
    let tls = Some(Arc::new(config));
    let node = DataNode::start(Options {
        announces: false,
        tls,
        ..options(dir)
    });
    node.hold(3, Held::new("db", "rp", 7));
    node
}

async fn believing(trust: Trust) -> DataNodes {
    let config = DataNodesConfig { tls: Some(trust) };
    DataNodes::open(&Env::real(), &config)
        .await
        .expect("certificates to trust")
}

fn file(dir: &TempDir, pem: &str) -> Trust {
    let path = dir.path().join("trusted.pem");
    std::fs::write(&path, pem).expect("writes");
    Trust::Roots(Places {
        file: Some(path),
        dirs: Some(Vec::new()),
    })
}

/// Makes a call on 8088 and an HTTP request.
async fn ask(nodes: &DataNodes, at: &Address) -> Result<(), Failed> {
    let deadline = Instant::now() + PATIENCE;
    let shards = nodes.list_shards(at, deadline).await?;
    assert_eq!(shards.keys().copied().collect::<Vec<_>>(), [3]);
    let status = nodes.status(at, deadline).await?;
    assert_eq!(status.node_status, "disjoined");
    Ok(())
}

fn at(node: &DataNode) -> Address {
    Address::parse(&node.tcp_addr(), 0).expect("an address")
}

/// Result of a client that trusts `trusted`, at a node that presents `shown`.
async fn asked(trusted: &str, shown: rustls::ServerConfig) -> Result<(), Failed> {
    let dir = TempDir::new().expect("a folder");
    let node = start(&dir, shown);
    ask(&believing(file(&dir, trusted)).await, &at(&node)).await
}

fn refusal(asked: Result<(), Failed>) -> String {
    let failed = asked.expect_err("nobody to be believed");
    assert!(!failed.why.is_maybe_done(), "{failed}");
    match failed.why {
        FailureCause::Tls(TlsHandshakeError::Certificate(text)) => text,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_a_trusted_authority_is_believed() {
    let mut authority = params(&[]);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
        .expect("an authority");
    for versions in [rustls::ALL_VERSIONS, &[&rustls::version::TLS12]] {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(&["127.0.0.1"])
            .signed_by(&key, &authority)
            .expect("a certificate");
        let shown = server(&certificate, &key, versions);
        assert_eq!(asked(&authority.pem(), shown.config).await, Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_signed_certificate_is_believed_where_it_is_trusted_itself() {
    let here = &["127.0.0.1"];
    let one = self_signed(params(here));
    assert_eq!(asked(&one.pem, one.config).await, Ok(()));
    let other = openssl_like(params(here));
    assert_eq!(asked(&other.pem, other.config).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_trusted_is_refused() {
    let here = &["127.0.0.1"];
    for (trusted, shown) in [
        (self_signed(params(here)), self_signed(params(here))),
        (openssl_like(params(here)), openssl_like(params(here))),
        (self_signed(params(here)), self_signed(named(params(here)))),
        (
            openssl_like(params(here)),
            openssl_like(named(params(here))),
        ),
    ] {
        let text = refusal(asked(&trusted.pem, shown.config).await);
        assert!(
            text.starts_with("no authority that is trusted here has signed it"),
            "{text}"
        );
    }
}

/// A trusted certificate that is not for this name, or not valid at this time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_dates_count() {
    let kinds: [fn(CertificateParams) -> Server; 2] = [self_signed, openssl_like];
    for kind in kinds {
        let elsewhere = kind(params(&["data-9", "127.0.0.9"]));
        let text = refusal(asked(&elsewhere.pem, elsewhere.config).await);
        assert!(text.starts_with("it is for another name"), "{text}");
        let dated = |from: i32, to: i32| {
            let mut params = params(&["127.0.0.1"]);
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
            kind(params)
        };
        let old = dated(2001, 2002);
        assert_eq!(refusal(asked(&old.pem, old.config).await), "it has expired");
        let young = dated(2900, 2901);
        assert!(refusal(asked(&young.pem, young.config).await).starts_with("it is not valid yet"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anyone_is_believed_where_that_is_asked_for() {
    let mut old = params(&["data-9"]);
    old.not_after = date_time_ymd(2002, 1, 1);
    for shown in [self_signed(params(&["127.0.0.1"])), openssl_like(old)] {
        let dir = TempDir::new().expect("a folder");
        let node = start(&dir, shown.config);
        assert_eq!(
            ask(&believing(Trust::Anyone).await, &at(&node)).await,
            Ok(())
        );
    }
}

/// One side uses TLS and the other does not: each error says what to change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_on_one_side_only() {
    let dir = TempDir::new().expect("a folder");
    let secured = start(&dir, self_signed(params(&["127.0.0.1"])).config);
    let plain = DataNodes::open(&Env::real(), &DataNodesConfig::default())
        .await
        .expect("without TLS");
    let deadline = Instant::now() + PATIENCE;
    let servers = [Address::new("m1", 8091)];
    let failed = plain
        .join_cluster(&at(&secured), &servers, false, deadline)
        .await
        .expect_err("it speaks TLS");
    assert_eq!(failed.why, FailureCause::NotADataNode(OtherService::Tls));
    let failed = plain
        .status(&at(&secured), deadline)
        .await
        .expect_err("it speaks TLS");
    assert!(failed.to_string().contains("TLS"), "{failed}");

    // A web server answers a TLS handshake in plain text.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let local: SocketAddr = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accepts");
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .expect("writes");
        let _rest = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    let to = Address::new("127.0.0.1", local.port());
    let failed = believing(Trust::Anyone)
        .await
        .leave_cluster(&to, deadline)
        .await
        .expect_err("no TLS there");
    assert_eq!(failed.why, FailureCause::Tls(TlsHandshakeError::NotTls));
    assert!(
        failed.to_string().contains("unset data-use-tls"),
        "{failed}"
    );
}

/// A data node without TLS closes the connection on a handshake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_node_without_tls() {
    let dir = TempDir::new().expect("a folder");
    let node = DataNode::start(Options {
        announces: false,
        ..options(&dir)
    });
    let nodes = believing(Trust::Anyone).await;
    let failed = nodes
        .leave_cluster(&at(&node), Instant::now() + PATIENCE)
        .await
        .expect_err("no TLS there");
    assert!(
        matches!(failed.why, FailureCause::Tls(TlsHandshakeError::Failed(_))),
        "{failed}"
    );
    assert!(failed.why.is_retryable() && !failed.why.is_maybe_done());
    assert_eq!(node.heard(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_never_ends_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let to = Address::new("127.0.0.1", listener.local_addr().expect("bound").port());
    let deadline = Instant::now() + Duration::from_millis(300);
    let failed = believing(Trust::Anyone)
        .await
        .leave_cluster(&to, deadline)
        .await
        .expect_err("nobody answers");
    assert_eq!(failed.why.to_string(), "no answer in time");
    assert!(!failed.why.is_maybe_done());
}

async fn opened(places: Places) -> Result<DataNodes, TlsError> {
    DataNodes::open(
        &Env::real(),
        &DataNodesConfig {
            tls: Some(Trust::Roots(places)),
        },
    )
    .await
}

#[tokio::test]
async fn what_is_trusted_is_read_from_files_and_folders() {
    let dir = TempDir::new().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    let one = self_signed(params(&["a"])).pem;
    std::fs::write(path("one.pem"), &one).expect("writes");
    std::fs::write(
        path("two.pem"),
        one.clone() + &self_signed(params(&["b"])).pem,
    )
    .expect("writes");
    std::fs::write(path("README"), "no certificate").expect("writes");
    std::os::unix::fs::symlink(path("gone"), path("dangling.0")).expect("links");
    let empty = TempDir::new().expect("a folder");
    let places = |file: Option<&str>, dirs: &[PathBuf]| Places {
        file: file.map(path),
        dirs: Some(dirs.to_vec()),
    };
    let trusted = async |places| opened(places).await.map(|nodes| nodes.trusted());
    assert_eq!(
        trusted(places(Some("one.pem"), &[])).await.expect("one"),
        Some(1)
    );
    assert_eq!(
        trusted(places(Some("two.pem"), &[])).await.expect("two"),
        Some(2)
    );
    let both = [empty.path().to_owned(), dir.path().to_owned()];
    assert_eq!(
        trusted(places(Some("one.pem"), &both)).await.expect("all"),
        Some(2)
    );
    let error =
        |opened: Result<DataNodes, TlsError>| opened.err().expect("nothing to trust").to_string();
    assert!(error(opened(places(Some("gone"), &[])).await).contains("cannot read"));
    assert!(error(opened(places(Some("README"), &[])).await).contains("has no certificate in it"));
}

#[test]
fn places_are_those_of_the_environment() {
    let of = |variables: &[(&str, &str)]| {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Places::of_variables(&variables.iter().map(own).collect())
    };
    assert_eq!(
        of(&[("SSL_CERT_FILE", ""), ("SSL_CERT_DIR", "")]),
        Places::default()
    );
    let both = of(&[("SSL_CERT_FILE", "/a/b.pem"), ("SSL_CERT_DIR", "/c:/d:")]);
    assert_eq!(both.file, Some(PathBuf::from("/a/b.pem")));
    assert_eq!(
        both.dirs,
        Some(vec![PathBuf::from("/c"), PathBuf::from("/d")])
    );
}
