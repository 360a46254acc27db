#![expect(clippy::unwrap_used, reason = "tests")]

use istio_cloud_map_core::cloud_map::{InputOptions, parse};
use istio_cloud_map_core::translate::{Options, Transform as _, Translated, Translator};

use super::{Limits, Sandbox};

const LIMITS: Limits = Limits { memory: 4 << 20, fuel: 10_000_000 };

/// The parts of a module that works: a request is put at 1024, and each address is given out once.
const MEMORY: &str = r#"(memory (export "memory") 2)"#;
const ALLOC: &str = r#"(func (export "alloc") (param $len i32) (result i32) (i32.const 1024))"#;
const FREE: &str = r#"(func (export "free") (param i32 i32))"#;

fn transform(body: &str) -> String {
    format!(r#"(func (export "transform") (param $ptr i32) (param $len i32) (result i64) {body})"#)
}

fn opened(text: &str) -> Result<Sandbox, String> {
    Sandbox::new(&wat::parse_str(format!("(module {text})")).unwrap(), LIMITS)
        .map_err(|error| format!("{error:#}"))
}

/// What becomes of a request, with a module whose `transform` has this body, beside `more`.
fn called(more: &str, body: &str) -> Result<Vec<u8>, String> {
    opened(&format!("{MEMORY}{ALLOC}{FREE}{}{more}", transform(body))).unwrap().call("{}")
}

fn failure(result: Result<Vec<u8>, String>) -> String {
    result.unwrap_err()
}

/// Answers with a text that is in its memory from the start.
fn answering(text: &str) -> Sandbox {
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"");
    let body =
        format!("(i64.or (i64.shl (i64.const 65536) (i64.const 32)) (i64.const {}))", text.len());
    opened(&format!(
        r#"{MEMORY}{ALLOC}{FREE}{}(data (i32.const 65536) "{escaped}")"#,
        transform(&body)
    ))
    .unwrap()
}

#[test]
fn a_module_is_given_the_request_and_its_answer_is_taken() {
    let echo = "(i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))";
    assert_eq!(called("", echo).unwrap(), b"{}");
    assert_eq!(answering(r#"{"ok": null}"#).call("{}").unwrap(), br#"{"ok": null}"#);
    assert_eq!(called("", "(i64.const 0)").unwrap(), b"");
}

#[test]
fn nothing_is_left_of_one_call_in_the_next() {
    let counts = "
        (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.store8 (i32.const 16) (i32.add (i32.const 48) (i32.add (i32.load (i32.const 8)) (global.get $calls))))
        (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 1))";
    let module = opened(&format!(
        "{MEMORY}{ALLOC}{FREE}(global $calls (mut i32) (i32.const 0)){}",
        transform(counts)
    ))
    .unwrap();
    for _ in 0..3 {
        assert_eq!(module.call("{}").unwrap(), b"2");
    }
}

#[test]
fn a_module_works_again_after_it_has_failed() {
    let body = r"(if (i32.eq (local.get $len) (i32.const 3)) (then unreachable)) (i64.const 0)";
    let module = opened(&format!("{MEMORY}{ALLOC}{FREE}{}", transform(body))).unwrap();
    assert!(module.call("bad").is_err());
    assert_eq!(module.call("good").unwrap(), b"");
}

#[test]
fn a_module_with_an_import_is_refused_and_the_import_is_named() {
    let import = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
    let error = opened(&format!("{import}{MEMORY}{ALLOC}{FREE}{}", transform("(i64.const 0)")))
        .unwrap_err();
    assert!(error.contains("imports `fd_write` from `wasi_snapshot_preview1`"), "{error}");
}

#[test]
fn a_module_without_an_export_or_with_one_of_another_type_is_refused() {
    let error = opened(&format!("{MEMORY}{ALLOC}")).unwrap_err();
    assert_eq!(
        error,
        "its exports: `free` is missing, expected a function (ptr: i32, len: i32); `transform` is missing, expected a function \
         (ptr: i32, len: i32) -> i64"
    );
    let other = r#"(func (export "transform") (param i32 i32) (result i32) (i32.const 0))"#;
    let error = opened(&format!("{MEMORY}{ALLOC}{FREE}{other}")).unwrap_err();
    assert_eq!(
        error,
        "its exports: `transform` has the wrong type, expected a function (ptr: i32, len: i32) -> i64"
    );
    let other = r#"(global (export "memory") i32 (i32.const 0))"#;
    let error = opened(&format!("{other}{ALLOC}{FREE}{}", transform("(i64.const 0)"))).unwrap_err();
    assert_eq!(error, "its exports: `memory` has the wrong type, expected a memory of 32 bits");
}

#[test]
fn what_is_no_module_or_needs_too_much_from_the_start_is_refused() {
    for bytes in [b"".as_slice(), b"{}", b"\0asm\x0d\0\x01\0", b"(module)"] {
        let error = Sandbox::new(bytes, LIMITS).unwrap_err();
        assert!(error.to_string().contains("not a valid WebAssembly module"), "{error}");
    }
    let error = opened(&format!(
        r#"(memory (export "memory") 65){ALLOC}{FREE}{}"#,
        transform("(i64.const 0)")
    ))
    .unwrap_err();
    assert!(
        error.contains("not a valid WebAssembly module") && error.contains("memory"),
        "{error}"
    );
}

#[test]
fn a_trap_is_told() {
    assert_eq!(
        failure(called("", "unreachable")),
        "has trapped: wasm trap: wasm `unreachable` instruction executed"
    );
    assert!(
        failure(called("", "(i64.div_u (i64.const 1) (i64.const 0))"))
            .contains("integer divide by zero")
    );
    assert!(
        failure(called("", "(i64.load (i32.const -1))")).contains("out of bounds memory access")
    );
}

#[test]
fn what_runs_for_ever_is_ended_by_its_fuel() {
    assert_eq!(
        failure(called("", "(loop $l (br $l)) (i64.const 0)")),
        "ran for too long: it has used up its fuel of 10000000"
    );
    let fills = "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br $l)) (i64.const 0)";
    assert!(failure(called("", fills)).contains("fuel"));
    let start = "(func $forever (loop $l (br $l))) (start $forever)";
    assert!(failure(called(start, "(i64.const 0)")).contains("fuel"));
}

#[test]
fn what_calls_itself_for_ever_is_ended_by_its_stack() {
    assert!(
        failure(called("(func $f (call $f) (call $f))", "(call $f) (i64.const 0)"))
            .contains("call stack exhausted")
    );
}

#[test]
fn what_takes_ever_more_memory_is_ended_by_its_limit() {
    let grows = "(loop $l (drop (memory.grow (i32.const 16))) (br $l)) (i64.const 0)";
    assert_eq!(
        failure(called("", grows)),
        "exceeds its memory limit: it requests 4325376 bytes, but at most 4194304 are allowed"
    );
}

#[test]
fn a_place_outside_of_the_memory_is_told() {
    assert!(
        failure(called("", "(i64.const -1)"))
            .contains("the answer is at 4294967295, 4294967295 bytes long")
    );
    assert!(
        failure(called("", "(i64.const 131073)")).contains("the answer is at 0, 131073 bytes long")
    );
    let alloc = r#"(func (export "alloc") (param i32) (result i32) (i32.const 131071))"#;
    let module = opened(&format!("{MEMORY}{alloc}{FREE}{}", transform("(i64.const 0)"))).unwrap();
    assert!(module.call("{}").unwrap_err().contains("alloc(2) returned the address 131071"));
}

const SNAPSHOT: &str = r#"{"services": [{"namespace": {"Name": "shop"}, "service": {"Name": "web"},
    "instances": [{"InstanceId": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]}]}"#;

fn translated(module: &Sandbox) -> Translated {
    let records = parse(SNAPSHOT, &InputOptions::default()).unwrap().records;
    Translator::new(&Options::default()).with_transform(Some(module)).translate_all(&records)
}

#[test]
fn a_translation_goes_through_the_module() {
    let records = parse(SNAPSHOT, &InputOptions::default()).unwrap().records;
    let [entry] =
        Translator::new(&Options::default()).translate_all(&records).entries.try_into().unwrap();
    let text = serde_json::to_string(&entry).unwrap();
    let changed = text.replace("10.0.0.1", "10.0.0.2");
    let one = translated(&answering(&format!(r#"{{"ok": {{"serviceEntry": {changed}}}}}"#)));
    assert_eq!(serde_json::to_string(&one.entries).unwrap(), format!("[{changed}]"));

    for (answer, word) in [
        (r#"{"ok": null}"#.to_owned(), "info[Excluded]"),
        ("oops".to_owned(), "an invalid answer"),
        (
            format!(
                r#"{{"ok": {{"serviceEntry": {}}}}}"#,
                text.replace("web.shop\"", "other.shop\"")
            ),
            "error[TransformFailed]",
        ),
    ] {
        let none = translated(&answering(&answer));
        assert_eq!(none.entries, []);
        assert!(
            matches!(none.diagnostics.as_slice(), [one] if one.to_string().contains(word)),
            "{:?}",
            none.diagnostics
        );
    }
}
