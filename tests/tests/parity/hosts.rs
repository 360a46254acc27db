//! What each example host of the plain module does beside the usual.

use std::fs;
use std::path::Path;

use istio_cloud_map_tests::bed::PlainHost;

use crate::call::Call;
use crate::module::{self, PAGE};
use crate::plain::Plain;

const GOOD: &str = r#"{"input":{"Instances":[{"Id":"i-1","Attributes":{"AWS_INSTANCE_IPV4":"10.0.0.1"}}]},"options":{"namespace":"ns","service":"web"}}"#;
/// How often the hosts are called with a module that may not keep what it is given.
const CALLS: usize = 10_000;
/// How many bytes such a module may take beside what it has at the start.
const ROOM: usize = 8 << 20;

fn hosts(module: &Path) -> impl Iterator<Item = Plain> {
    PlainHost::all(Path::new(env!("CARGO_BIN_EXE_plain-host")))
        .into_iter()
        .map(move |host| Plain::new(host, module))
}

#[test]
fn garbage_is_an_error_and_the_next_request_is_answered() {
    let huge = 8 << 20;
    let garbage = [
        Vec::new(),
        b"\xff\xfe\x00{".to_vec(),
        b"null".to_vec(),
        b"{\"input\":".to_vec(),
        vec![b'['; huge],
        vec![0; huge],
        format!(r#"{{"input":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        format!(
            r#"{{"input":{{"Instances":{}1{}}}}}"#,
            r#"[{"Attributes":"#.repeat(50_000),
            "}]".repeat(50_000)
        )
        .into_bytes(),
        format!(r#"{{"input":"{}"#, "é".repeat(huge / 2)).into_bytes(),
    ];
    let requests: Vec<&[u8]> =
        garbage.iter().flat_map(|garbage| [garbage.as_slice(), GOOD.as_bytes()]).collect();
    for host in hosts(&module::path()) {
        for call in [Call::Translate, Call::Plan, Call::Validate] {
            let answers = host.run(call, &requests).unwrap();
            for (number, (request, answer)) in requests.iter().zip(&answers).enumerate() {
                assert!(
                    *answer == call.natively(request),
                    "{call:?} {number}: {}",
                    String::from_utf8_lossy(answer)
                );
                let wrong = number % 2 == 0;
                assert!(
                    !wrong || answer.starts_with(br#"{"error":{"kind":""#),
                    "{call:?} {number}: {}",
                    String::from_utf8_lossy(answer)
                );
                assert!(
                    wrong || call != Call::Translate || answer.starts_with(br#"{"ok":"#),
                    "{number}"
                );
            }
        }
    }
}

/// Calls that would take twenty times the room, if a request or an answer were never given back.
#[test]
fn all_that_is_allocated_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let module = module::write(
        folder.path(),
        &module::with_memory(&fs::read(module::path()).unwrap(), 0, Some((ROOM / PAGE) as u64)),
    );
    let padding = " ".repeat(ROOM * 20 / CALLS);
    let good = GOOD.replacen('{', &format!("{{{padding}"), 1);
    // A key that nobody knows comes back in the answer.
    let bad = format!(r#"{{"{}":1}}"#, "x".repeat(padding.len()));
    let requests: Vec<&[u8]> =
        [good.as_bytes(), bad.as_bytes()].into_iter().cycle().take(CALLS).collect();
    let expected =
        [Call::Translate.natively(good.as_bytes()), Call::Translate.natively(bad.as_bytes())];
    assert!(expected[1].len() > padding.len(), "the answer is as large as the request");
    for host in hosts(&module) {
        let answers = host.run(Call::Translate, &requests).unwrap();
        assert!(
            answers
                .iter()
                .zip(expected.iter().cycle())
                .all(|(answer, expected)| answer == expected)
        );
        let too_much = vec![b' '; 2 * ROOM];
        let error = host.run(Call::Translate, &[&too_much]).unwrap_err();
        assert!(error.contains("unreachable"), "{error}");
    }
}

/// Addresses from 2 GiB on are negative for who takes them for signed.
#[test]
fn addresses_are_unsigned() {
    let folder = tempfile::tempdir().unwrap();
    let module = module::write(
        folder.path(),
        &module::with_memory(&fs::read(module::path()).unwrap(), (2 << 30) / PAGE as u64, None),
    );
    for host in hosts(&module) {
        assert_eq!(
            host.run(Call::Translate, &[GOOD.as_bytes()]).unwrap(),
            [Call::Translate.natively(GOOD.as_bytes())]
        );
    }
}
