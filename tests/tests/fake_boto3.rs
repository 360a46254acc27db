//! boto3 finds nothing in the fake's answers that Cloud Map's service model does not have.

use std::error::Error;
use std::io;
use std::process::{Command, Output, Stdio};

use istio_cloud_map_tests::cloud_map::FakeCloudMap;

const TESTS: &str = env!("CARGO_MANIFEST_DIR");

fn run(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()
}

/// The interpreter that has boto3.
fn python() -> Result<String, Box<dyn Error>> {
    let setup = run(Command::new(format!("{TESTS}/bed/setup")).arg("python"))?;
    let printed = String::from_utf8(setup.stdout)?;
    let path = printed.lines().find_map(|line| line.strip_prefix("PYTHON="));
    Ok(path
        .ok_or_else(|| {
            format!("tests/bed/setup python printed no PYTHON=: {printed:?}, {}", setup.status)
        })?
        .to_owned())
}

#[test]
fn every_answer_is_one_of_the_service_model() -> Result<(), Box<dyn Error>> {
    let fake = FakeCloudMap::start()?;
    let check = run(Command::new(python()?)
        .arg("-B")
        .arg(format!("{TESTS}/fake/boto3_check.py"))
        .arg(fake.url()))?;
    let printed = String::from_utf8(check.stdout)?;
    let verdict = printed.lines().last().unwrap_or_default();
    assert!(check.status.success() && verdict.ends_with(" passed, 0 failed"), "{printed}");
    assert!(!verdict.starts_with("0 "), "{printed}");
    assert_eq!(fake.access_keys(), ["AKIDBOTO3"]);
    Ok(())
}
