//! SIGTERM and SIGINT.

use std::io;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::logging;

/// Whatever hangs by then is left behind. Kubernetes kills after 30 s by default, and the contract
/// is 5 s.
const LONGEST_STOP: Duration = Duration::from_millis(4500);

/// A request to stop, from outside.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    /// Waits for a signal on a thread of its own, which ends the process with `exit_code` if
    /// nothing else does in time: a file, a plugin or a reader that hangs may block every other
    /// thread.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn on_signal(exit_code: u8) -> io::Result<Self> {
        let (sender, receiver) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_io().build()?;
        // Registered here and not on the thread, so that no signal is lost from now on.
        let context = runtime.enter();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        drop(context);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            });
            sender.send_replace(true);
            std::thread::sleep(LONGEST_STOP);
            tracing::warn!("a task did not end in time and is abandoned");
            logging::flush(Duration::from_millis(100));
            std::process::exit(exit_code.into());
        })?;
        Ok(Self(receiver))
    }

    /// One that is never requested.
    pub fn never() -> Self {
        Self(watch::channel(false).1)
    }

    /// Ends when the process is asked to stop.
    pub async fn requested(&self) {
        if self.0.clone().wait_for(|requested| *requested).await.is_err() {
            // Nobody can request it any more.
            std::future::pending::<()>().await;
        }
    }

    /// Whether it was asked to.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
}
