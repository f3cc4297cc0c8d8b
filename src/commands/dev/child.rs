//! Child processes that share the terminal, and get each signal once.
//!
//! Ctrl-C reaches every process of the foreground group, so the child gets it too: this process only has to outlive the
//! child and pass on its exit code. SIGTERM and SIGHUP, which may be sent to this process alone, are forwarded. While no
//! child runs, signals have their default effect.

use std::io::{self, Read as _};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use stackgen::dev::{Finding, Invocation, engine, provider};

use crate::commands::read_all;

/// More than a variable can have.
const LONGEST: u64 = provider::LONGEST as u64 + 1;

/// How a child with inherited input and output ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Its exit code; as in a shell, 128 plus the signal that ended it.
    pub code: u8,
    /// Whether this process received a signal to end meanwhile.
    pub interrupted: bool,
}

impl Ended {
    pub fn succeeded(self) -> bool {
        self.code == 0 && !self.interrupted
    }
}

/// The output of a child.
#[derive(Debug)]
pub struct Answer {
    pub succeeded: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// The last line of its error messages.
    pub fn complaint(&self) -> String {
        let last = |text: &str| text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(ToOwned::to_owned);
        last(&self.stderr).or_else(|| last(&self.stdout)).unwrap_or_else(|| "no error message".to_owned())
    }
}

/// Runs child processes. There is one of these.
#[derive(Debug)]
pub struct Children {
    signals: signals::Signals,
}

impl Children {
    pub fn new() -> io::Result<Self> {
        Ok(Self { signals: signals::Signals::new()? })
    }

    /// Runs a program with this process's input and output.
    pub fn run(&self, invocation: &Invocation) -> Result<Ended, Finding> {
        self.run_with(invocation, Stdio::inherit())
    }

    /// Runs a program with this process's output.
    pub fn run_without_input(&self, invocation: &Invocation) -> Result<Ended, Finding> {
        self.run_with(invocation, Stdio::null())
    }

    fn run_with(&self, invocation: &Invocation, input: Stdio) -> Result<Ended, Finding> {
        let mut command = command(invocation);
        command.stdin(input);
        let mut child = self.signals.spawn(&mut command).map_err(|error| cannot_run(invocation, &error))?;
        let (status, interrupted) = self.signals.wait(&mut child).map_err(|error| cannot_run(invocation, &error))?;
        Ok(Ended { code: code(status), interrupted })
    }

    /// Runs a program for what it prints, which may be a secret; `None` if it fails. It may ask, and its messages are shown.
    pub fn read(&self, invocation: &Invocation) -> Result<Option<Vec<u8>>, Finding> {
        let mut command = command(invocation);
        command.stdout(Stdio::piped());
        let mut child = self.signals.spawn(&mut command).map_err(|error| cannot_run(invocation, &error))?;
        let mut printed = Vec::new();
        // One that prints more gets a broken pipe.
        let read = child.stdout.take().map_or(Ok(0), |stdout| stdout.take(LONGEST).read_to_end(&mut printed));
        let (status, interrupted) = self.signals.wait(&mut child).map_err(|error| cannot_run(invocation, &error))?;
        if interrupted {
            self.signals.end();
        }
        if let Err(error) = read {
            let what = format!("cannot read the output of `{}`: {error}", invocation.program);
            return Err(Finding::error(what, "try again"));
        }
        let is_cut = printed.len() > provider::LONGEST;
        Ok((status.success() || is_cut).then_some(printed))
    }

    /// Runs a program for its output. A signal to end meanwhile ends this process.
    pub fn ask(&self, invocation: &Invocation) -> Result<Answer, Finding> {
        let mut command = command(invocation);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.signals.spawn(&mut command).map_err(|error| cannot_run(invocation, &error))?;
        let stderr = child.stderr.take();
        let complaints = match thread::Builder::new().spawn(move || read_all(stderr)) {
            Ok(complaints) => complaints,
            Err(error) => {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(cannot_run(invocation, &error));
            }
        };
        let stdout = read_all(child.stdout.take());
        let stderr = complaints.join().unwrap_or_default();
        let (status, interrupted) = self.signals.wait(&mut child).map_err(|error| cannot_run(invocation, &error))?;
        if interrupted {
            self.signals.end();
        }
        Ok(Answer { succeeded: status.success(), stdout, stderr })
    }
}

/// Replaces this process by the program. Returns only if that fails.
#[cfg(unix)]
pub fn become_(invocation: &Invocation) -> Result<u8, Finding> {
    use std::os::unix::process::CommandExt;
    Err(cannot_run(invocation, &command(invocation).exec()))
}

#[cfg(not(unix))]
pub fn become_(invocation: &Invocation) -> Result<u8, Finding> {
    command(invocation).status().map(code).map_err(|error| cannot_run(invocation, &error))
}

fn command(invocation: &Invocation) -> Command {
    let mut command = Command::new(invocation.program);
    command.args(&invocation.args).current_dir(&invocation.dir);
    command.envs(invocation.environment.iter().map(|(name, value)| (name, value)));
    command
}

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

fn cannot_run(invocation: &Invocation, error: &io::Error) -> Finding {
    let program = invocation.program;
    if error.kind() == io::ErrorKind::NotFound {
        Finding::error(
            format!("`{program}` is not installed or not on PATH"),
            provider::how_to_get(program).unwrap_or_else(|| engine::how_to_get(program)),
        )
    } else {
        Finding::error(format!("cannot run `{program}`: {error}"), "check that it is executable")
    }
}

#[cfg(unix)]
mod signals {
    use std::io;
    use std::process::{Child, Command, ExitStatus};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::thread;

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::low_level::emulate_default_handler;

    /// Shared with the thread that receives signals.
    #[derive(Debug, Default)]
    struct State {
        /// The child that runs. It isn't reaped before this is cleared, so that no other process can have its ID.
        child: Option<Pid>,
        /// The signal that was received while it ran.
        received: Option<i32>,
    }

    #[derive(Debug)]
    pub struct Signals {
        state: Arc<Mutex<State>>,
        /// Whether a signal has arrived that the thread has not seen yet.
        arrived: Arc<AtomicBool>,
    }

    impl Signals {
        pub fn new() -> io::Result<Self> {
            let (state, arrived) = (Arc::new(Mutex::new(State::default())), Arc::new(AtomicBool::new(false)));
            let handled = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];
            for signal in handled {
                signal_hook::flag::register(signal, Arc::clone(&arrived))?;
            }
            let mut signals = signal_hook::iterator::Signals::new(handled)?;
            let (shared, seen) = (Arc::clone(&state), Arc::clone(&arrived));
            thread::Builder::new().spawn(move || {
                for signal in signals.forever() {
                    receive(&shared, signal);
                    seen.store(false, Ordering::Release);
                }
            })?;
            Ok(Self { state, arrived })
        }

        /// The lock is taken before the start, so that no signal is lost in between.
        pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
            let mut state = lock(&self.state);
            let child = command.spawn()?;
            state.received = None;
            state.child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            Ok(child)
        }

        pub fn wait(&self, child: &mut Child) -> io::Result<(ExitStatus, bool)> {
            let pid = lock(&self.state).child;
            if let Some(pid) = pid {
                while let Err(rustix::io::Errno::INTR) =
                    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
                {}
            }
            // A signal that ended the child was for this process as well, even if the thread has yet to see it.
            while self.arrived.load(Ordering::Acquire) {
                thread::yield_now();
            }
            let interrupted = {
                let mut state = lock(&self.state);
                state.child = None;
                state.received.is_some()
            };
            Ok((child.wait()?, interrupted))
        }

        /// Ends this process by the signal that it received.
        pub fn end(&self) {
            if let Some(signal) = lock(&self.state).received {
                let _ = emulate_default_handler(signal);
            }
        }
    }

    fn receive(state: &Mutex<State>, signal: i32) {
        let mut state = lock(state);
        let Some(child) = state.child else {
            let _ = emulate_default_handler(signal);
            return;
        };
        state.received = Some(signal);
        let forwarded = match signal {
            SIGTERM => Signal::TERM,
            SIGHUP => Signal::HUP,
            _ => return,
        };
        // It may just have ended.
        let _ = kill_process(child, forwarded);
    }

    fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(not(unix))]
mod signals {
    use std::io;
    use std::process::{Child, Command, ExitStatus};

    #[derive(Debug)]
    pub struct Signals;

    impl Signals {
        pub fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
            command.spawn()
        }

        pub fn wait(&self, child: &mut Child) -> io::Result<(ExitStatus, bool)> {
            Ok((child.wait()?, false))
        }

        pub fn end(&self) {}
    }
}
