use std::{
    env,
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use istio_cloud_map_tests::bed::ApiServer;

/// Processes whose working directory is the server's own. Of one removed since, the kernel says so
/// behind its name.
fn processes_in(directory: &Path) -> Vec<PathBuf> {
    let name = directory.file_name().and_then(OsStr::to_str).expect("a directory's name");
    let processes = std::fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(|entry| entry.ok()?.path().join("cwd").read_link().ok())
        .filter(|cwd| cwd.to_string_lossy().contains(name))
        .collect()
}

#[tokio::test]
async fn a_server_dropped_while_paused_leaves_no_process_and_no_file() {
    let server = ApiServer::start_without_crd().await;
    let directory = server.directory().to_owned();
    assert_eq!(processes_in(&directory).len(), 2, "etcd and the API server");

    server.pause();
    drop(server);
    assert_eq!(processes_in(&directory), Vec::<PathBuf>::new());
    assert!(!directory.exists());
}

#[test]
fn a_test_killed_leaves_no_process_and_no_file() {
    let mut test = Command::new(env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture", "processes::holds_a_server_until_killed"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program again");
    let stdout = test.stdout.take().expect("its stdout");
    let directory = BufReader::new(stdout)
        .lines()
        .find_map(|line| line.ok()?.strip_prefix("directory ").map(PathBuf::from))
        .expect("a server that started");
    assert_eq!(processes_in(&directory).len(), 2, "etcd and the API server");

    test.kill().expect("SIGKILL");
    test.wait().expect("its end");
    let deadline = Instant::now() + Duration::from_secs(10);
    while (directory.exists() || !processes_in(&directory).is_empty()) && Instant::now() < deadline
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(processes_in(&directory), Vec::<PathBuf>::new());
    assert!(!directory.exists());
}

#[tokio::test]
#[ignore = "the other half of a_test_killed_leaves_no_process_and_no_file"]
async fn holds_a_server_until_killed() {
    let server = ApiServer::start_without_crd().await;
    println!("\ndirectory {}", server.directory().display());
    tokio::time::sleep(Duration::from_mins(1)).await;
}
