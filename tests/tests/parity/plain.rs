//! The plain module under its example hosts: the runner, and what each host does beside the usual.

use std::fs;
use std::path::{Path, PathBuf};

use istio_cloud_map_tests::bed::PlainHost;

use crate::cases::{Call, Case};
use crate::runner::{Question, Runner, answers_by_line};

pub struct Plain {
    host: PlainHost,
    module: PathBuf,
}

impl Plain {
    pub fn new(host: PlainHost, module: &Path) -> Self {
        Self { host, module: module.to_owned() }
    }

    /// The answers, or the program's error output.
    pub fn run(&self, call: Call, requests: &[&[u8]]) -> Result<Vec<Vec<u8>>, String> {
        let mut program = self.host.command();
        program.arg(&self.module).arg(call.name());
        answers_by_line(program, requests)
    }
}

impl Runner for Plain {
    fn name(&self) -> &str {
        self.host.name
    }

    fn question(&self, case: &Case) -> Result<Question, &'static str> {
        let request = case.request.as_ref().ok_or("not one JSON value")?;
        Ok(Question { asked: request.text.clone(), expected: request.native.clone() })
    }

    fn answers(&self, call: Call, questions: &[&[u8]]) -> Vec<Vec<u8>> {
        self.run(call, questions).unwrap()
    }
}

const GOOD: &str = r#"{"input":{"Instances":[{"Id":"i-1","Attributes":{"AWS_INSTANCE_IPV4":"10.0.0.1"}}]},"options":{"namespace":"ns","service":"web"}}"#;
/// The number of calls with a module that has little memory to leak.
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
    for host in hosts(&path()) {
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
fn all_allocated_memory_is_freed() {
    let folder = tempfile::tempdir().unwrap();
    let module = write(
        folder.path(),
        &with_memory(&fs::read(path()).unwrap(), 0, Some((ROOM / PAGE) as u64)),
    );
    let padding = " ".repeat(ROOM * 20 / CALLS);
    let good = GOOD.replacen('{', &format!("{{{padding}"), 1);
    // An unknown key is in the answer.
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

/// Addresses of 2 GiB or more are negative as signed numbers.
#[test]
fn addresses_are_unsigned() {
    let folder = tempfile::tempdir().unwrap();
    let module = write(
        folder.path(),
        &with_memory(&fs::read(path()).unwrap(), (2 << 30) / PAGE as u64, None),
    );
    for host in hosts(&module) {
        assert_eq!(
            host.run(Call::Translate, &[GOOD.as_bytes()]).unwrap(),
            [Call::Translate.natively(GOOD.as_bytes())]
        );
    }
}

/// In a page of memory.
const PAGE: usize = 65_536;
const MEMORY_SECTION: u8 = 5;

/// The plain module's file.
pub fn path() -> PathBuf {
    let path = built("plain.wasm");
    assert!(path.exists(), "{} is missing; `cargo wasm plain policy` builds it", path.display());
    path
}

/// Where the build tool puts what it builds.
pub fn built(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), |folder| workspace.join(folder));
    target.join("wasm").join(name)
}

/// The module with as many pages more to begin with, and then at most so many to grow by.
fn with_memory(module: &[u8], more: u64, growth: Option<u64>) -> Vec<u8> {
    let (header, mut rest) = module.split_at(8);
    let mut changed = header.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (length, after) = read_leb128(after);
        let (content, after) = after.split_at(usize::try_from(length).unwrap());
        let content =
            if id == MEMORY_SECTION { memory(content, more, growth) } else { content.to_vec() };
        changed.push(id);
        write_leb128(&mut changed, content.len() as u64);
        changed.extend(content);
        rest = after;
    }
    changed
}

/// A section of one memory: the count, a flag (1: there is a maximum), the limits.
fn memory(section: &[u8], more: u64, growth: Option<u64>) -> Vec<u8> {
    assert_eq!(section[..2], [1, 0], "one memory without a maximum");
    let first = read_leb128(&section[2..]).0 + more;
    let mut changed = vec![1, u8::from(growth.is_some())];
    write_leb128(&mut changed, first);
    if let Some(growth) = growth {
        write_leb128(&mut changed, first + growth);
    }
    changed
}

/// Writes a module into a folder.
fn write(folder: &Path, module: &[u8]) -> PathBuf {
    let path = folder.join("plain.wasm");
    fs::write(&path, module).unwrap();
    path
}

/// A number as WebAssembly writes it, and what is after it: seven bits a byte, the lowest first.
fn read_leb128(bytes: &[u8]) -> (u64, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let (number, rest) = bytes.split_at(length);
    (number.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)), rest)
}

fn write_leb128(to: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        to.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    to.push(number.to_le_bytes()[0]);
}

#[test]
fn a_number_that_is_written_is_read() {
    for number in [0, 127, 128, 300, 32_785, u64::from(u32::MAX)] {
        let mut bytes = Vec::new();
        write_leb128(&mut bytes, number);
        bytes.push(7);
        assert_eq!(read_leb128(&bytes), (number, &[7][..]));
    }
}
