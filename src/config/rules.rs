//! Rules that concern several keys together.

use std::net::IpAddr;

use super::files;
use super::inputs::Flags;
use super::key::KeySpec;
use super::keys;
use super::problem::{Notice, Problem};
use super::settings::Settings;
use super::source::Source;
use crate::auth::{MIN_SECRET_BYTES, Method, Secret};

/// Returns all contradictions between keys. A key whose own value was refused is not checked again
/// here.
pub(super) fn check(settings: &Settings, flags: &Flags) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(single_server(settings, flags));
    problems.extend(bootstrap_expect(settings));
    problems.extend(ports(settings));
    licence(settings, &mut problems);
    problems.extend(authentication(settings));
    problems.extend(required_proofs(settings));
    problems
}

/// Returns notices about values that have no effect beside the other keys, or more effect than is
/// wanted.
pub(super) fn notices(settings: &Settings) -> Vec<Notice> {
    let mut notices = authentication_notices(settings);
    notices.extend(data_node_tls(settings));
    notices.extend(hostname(settings));
    notices.extend(short_secrets(settings));
    notices
}

fn authentication_notices(settings: &Settings) -> Vec<Notice> {
    let shared = settings.get(keys::META_SHARED_SECRET);
    let internal = settings.get(keys::META_INTERNAL_SHARED_SECRET);
    let no_effect = |key: &KeySpec| Notice {
        event: "config.no-effect",
        text: format!(
            "{}: {key} has no effect: auth-enabled is false",
            settings.source(key)
        ),
    };
    let mut notices = Vec::new();
    if settings
        .get(keys::META_INTERNAL_SHARED_SECRET_OLD)
        .is_some()
    {
        let from = settings.source(&keys::META_INTERNAL_SHARED_SECRET_OLD.spec);
        notices.push(old_secret(from, internal.is_some()));
    }
    if !settings.get(keys::META_AUTH_ENABLED) {
        if shared.is_some() {
            notices.push(no_effect(&keys::META_SHARED_SECRET.spec));
        }
        if settings.get(keys::META_AUTH_METHOD) != Method::All {
            notices.push(no_effect(&keys::META_AUTH_METHOD.spec));
        }
    } else if shared.is_some() && shared.as_deref() == internal.as_deref() {
        notices.push(Notice {
            event: "config.one-secret",
            text: "[meta] shared-secret is internal-shared-secret: whoever may sign tokens for \
                   people can sign those of nodes, which may do everything; set another"
                .into(),
        });
    }
    notices
}

/// The old secret is for the time of a change only: as long as it is set, whoever knows it is let
/// in.
fn old_secret(from: Source, has_new: bool) -> Notice {
    let key = &keys::META_INTERNAL_SHARED_SECRET_OLD.spec;
    if has_new {
        return Notice {
            event: "config.old-secret",
            text: format!(
                "{from}: {key} is still accepted; remove it once all meta nodes and data nodes have \
                 the new one"
            ),
        };
    }
    Notice {
        event: "config.no-effect",
        text: format!("{from}: {key} has no effect: internal-shared-secret is not set"),
    }
}

fn data_node_tls(settings: &Settings) -> Option<Notice> {
    let key = keys::META_DATA_INSECURE_TLS;
    let from = settings.source(&key.spec);
    let has_no_effect = settings.get(key) && !settings.get(keys::META_DATA_USE_TLS);
    has_no_effect.then(|| Notice {
        event: "config.no-effect",
        text: format!("{from}: [meta] data-insecure-tls = true has no effect without data-use-tls"),
    })
}

/// The name that a node advertises is the host of `http-bind-address`, if that has one.
fn hostname(settings: &Settings) -> Option<Notice> {
    let hostname = settings.get(keys::HOSTNAME)?;
    let bind = settings.get(keys::META_HTTP_BIND_ADDRESS);
    let is_any = |host: &str| host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
    let host = bind.host.as_deref().filter(|host| !is_any(host))?;
    (!host.eq_ignore_ascii_case(&hostname)).then(|| Notice {
        event: "config.no-effect",
        text: format!(
            "{}: hostname = {hostname:?} has no effect: http-bind-address ({}) has the host \
             {host:?}, under which other nodes reach this one",
            settings.source(&keys::HOSTNAME.spec),
            settings.source(&keys::META_HTTP_BIND_ADDRESS.spec),
        ),
    })
}

fn short_secrets(settings: &Settings) -> Vec<Notice> {
    let secrets = [
        (
            keys::META_INTERNAL_SHARED_SECRET.spec,
            settings.get(keys::META_INTERNAL_SHARED_SECRET),
        ),
        (
            keys::META_SHARED_SECRET.spec,
            settings.get(keys::META_SHARED_SECRET),
        ),
    ];
    let short = secrets
        .into_iter()
        .filter(|(_, secret)| secret.as_ref().is_some_and(Secret::is_short));
    short
        .map(|(key, _)| Notice {
            event: "config.short-secret",
            text: format!(
                "{}: {} is shorter than {MIN_SECRET_BYTES} bytes and can be guessed; take a long \
                 random one, for example from `openssl rand -hex 32`",
                settings.source(&key),
                key
            ),
        })
        .collect()
}

fn single_server(settings: &Settings, flags: &Flags) -> Option<Problem> {
    let peers = settings.get(keys::META_PEERS);
    // Not reported beside a refused bootstrap-expect.
    settings.accepted(keys::META_BOOTSTRAP_EXPECT)?;
    (flags.single_server && !peers.is_empty()).then(|| Problem::SingleServerWithPeers {
        peers_from: settings.source(&keys::META_PEERS.spec),
    })
}

/// `peers` and `bootstrap-expect` must not contradict each other.
fn bootstrap_expect(settings: &Settings) -> Option<Problem> {
    let peers = settings.accepted(keys::META_PEERS)?.len();
    let expect = settings.get(keys::META_BOOTSTRAP_EXPECT)?;
    let from = settings.source(&keys::META_BOOTSTRAP_EXPECT.spec);
    match (peers, expect) {
        (0, 1) => None,
        (0, 0) => Some(Problem::JoinWithoutPeers { from }),
        (0, expect) => Some(Problem::ExpectWithoutPeers { from, expect }),
        (_, 0) => None,
        (peers, expect) if peers as u64 == expect => None,
        (peers, expect) => Some(Problem::ExpectOtherThanPeers {
            from,
            expect,
            peers,
            peers_from: settings.source(&keys::META_PEERS.spec),
        }),
    }
}

fn ports(settings: &Settings) -> Option<Problem> {
    let http = settings.get(keys::META_HTTP_BIND_ADDRESS);
    let raft = settings.get(keys::META_BIND_ADDRESS);
    let is_same = http.port != 0 && http.port == raft.port;
    is_same.then_some(Problem::SamePort { port: http.port })
}

/// Requires a secret with auth-enabled: with an empty one any caller could sign an internal token
/// (wire.md 7.1).
fn authentication(settings: &Settings) -> Option<Problem> {
    let has_none = settings
        .accepted(keys::META_INTERNAL_SHARED_SECRET)
        .is_some_and(|secret| secret.is_none());
    (has_none && settings.get(keys::META_AUTH_ENABLED)).then(|| Problem::NoInternalSecret {
        from: settings.source(&keys::META_AUTH_ENABLED.spec),
    })
}

/// Requires a secret with `raft-…-auth-required`: without one, nothing could be checked.
fn required_proofs(settings: &Settings) -> Vec<Problem> {
    let secret = settings.accepted(keys::META_INTERNAL_SHARED_SECRET);
    let keys = [
        keys::META_RAFT_PORTAL_AUTH_REQUIRED,
        keys::META_RAFT_DIALER_AUTH_REQUIRED,
    ];
    let asking = keys.map(|key| (key.spec, settings.get(key)));
    asking
        .into_iter()
        .filter(|(_, asks)| *asks && secret.as_ref().is_some_and(Option::is_none))
        .map(|(key, _)| Problem::NothingToProve {
            from: settings.source(&key),
            key: key.name,
        })
        .collect()
}

/// Checks the licence as InfluxDB Enterprise documents it, although nothing here needs one: a file
/// that Enterprise refuses is refused here too.
fn licence(settings: &Settings, problems: &mut Vec<Problem>) {
    let path = settings.get(keys::ENTERPRISE_LICENSE_PATH);
    if path.as_os_str().is_empty() {
        return;
    }
    if settings.get(keys::ENTERPRISE_LICENSE_KEY).is_some() {
        problems.push(Problem::BothLicences);
    }
    let named_by = settings.source(&keys::ENTERPRISE_LICENSE_PATH.spec);
    problems.extend(files::read("the licence file", &path, &named_by).err());
}
