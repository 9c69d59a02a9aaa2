//! The thread that every supervised child is started from.
//!
//! Children ask the kernel to be killed when their parent is gone, and to the kernel the parent is the
//! *thread* that forked them (`PR_SET_PDEATHSIG` in prctl(2)). So children must not be started from a
//! thread that ends earlier than they should. Invariant: a [`Keeper`] outlives the children it started;
//! whoever owns both ends the children first.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

struct Request {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

/// Starts processes from one thread that lives as long as the keeper.
#[derive(Debug)]
pub(crate) struct Keeper {
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start() -> io::Result<Self> {
        let (requests, todo) = mpsc::channel::<Request>();
        let thread = std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || {
                for mut request in todo {
                    // If nobody waits for the answer the child ends with this thread.
                    let _ = request.answer.send(request.command.spawn());
                }
            })?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    pub(crate) fn spawn(&self, command: Command) -> io::Result<Child> {
        let gone = || io::Error::other("the keeper thread is gone");
        let (answer, answered) = mpsc::channel();
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(Request { command, answer }).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic in there was reported by the panic hook already.
            let _ = thread.join();
        }
    }
}
