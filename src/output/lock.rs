//! The lock on the outputs of a project. It is held on the root directory, so no lock file can be left behind.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::Error;

/// How long another process is waited for: many times as long as a render of a thousand services.
const LONGEST: Duration = Duration::from_secs(10);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Who reports that another process is waited for.
static REPORTER: OnceLock<fn(&str)> = OnceLock::new();

/// The kind of lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Sets who reports that another process is waited for; the first one stays.
pub fn report_waiting(reporter: fn(&str)) {
    _ = REPORTER.set(reporter);
}

/// Locks the outputs below the root, until the returned handle is dropped or the process ends. `None` on a file system
/// or a system without such locks.
pub(super) fn lock(root: &Utf8Path, access: Access) -> Result<Option<File>, Error> {
    lock_within(root, access, LONGEST, |message| {
        if let Some(report) = REPORTER.get() {
            report(message);
        }
    })
}

fn lock_within(
    root: &Utf8Path,
    access: Access,
    longest: Duration,
    report: impl Fn(&str),
) -> Result<Option<File>, Error> {
    // A directory can't be opened; it only has to exist.
    if !cfg!(unix) {
        return fs::metadata(root).map_or_else(|error| Err(Error::io("open", root, error)), |_| Ok(None));
    }
    let directory = File::open(root).map_err(|error| Error::io("open", root, error))?;
    let mut since = None;
    loop {
        let result = match access {
            Access::Read => directory.try_lock_shared(),
            Access::Write => directory.try_lock(),
        };
        match result {
            Ok(()) => return Ok(Some(directory)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::Unsupported => return Ok(None),
                _ => return Err(Error::io("lock", root, error)),
            },
        }
        let first = *since.get_or_insert_with(|| {
            report(&format!("waiting for {}, which uses the outputs", holder(&directory)));
            Instant::now()
        });
        if first.elapsed() >= longest {
            let process = holder(&directory).to_string();
            return Err(Error::Locked { root: root.to_owned(), process });
        }
        thread::sleep(PAUSE);
    }
}

/// The process that has a lock, as far as the system says.
struct Holder {
    id: Option<u32>,
    name: Option<String>,
    age: Option<u64>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(id) = self.id else { return f.write_str("another process") };
        write!(f, "process {id}")?;
        match (&self.name, self.age) {
            (Some(name), Some(age)) => write!(f, " (`{name}`, started {age} s ago)"),
            (Some(name), None) => write!(f, " (`{name}`)"),
            _ => Ok(()),
        }
    }
}

/// Linux lists every lock with its process and the inode of its file; other systems don't.
#[cfg(target_os = "linux")]
fn holder(directory: &File) -> Holder {
    use std::os::unix::fs::MetadataExt as _;
    let id = || {
        let inode = directory.metadata().ok()?.ino().to_string();
        let locks = fs::read_to_string("/proc/locks").ok()?;
        // `1: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF`; one that waits has an arrow after the number.
        locks.lines().find_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let &[_, "FLOCK", _, _, process, file, ..] = words.as_slice() else { return None };
            // The ID of a process in another namespace is 0 or -1.
            let process = process.parse().ok().filter(|process| *process > 0)?;
            (file.rsplit(':').next() == Some(&inode)).then_some(process)
        })
    };
    let id: Option<u32> = id();
    // The name may contain anything, even a parenthesis.
    let stat = id.and_then(|id| fs::read_to_string(format!("/proc/{id}/stat")).ok());
    let name_and_rest = stat.as_deref().and_then(|stat| stat.split_once(" (")?.1.rsplit_once(") "));
    let age = || {
        // Field 22 of proc_pid_stat(5) in ticks, of which Linux reports a hundred a second on every machine.
        let started: u64 = name_and_rest?.1.split(' ').nth(19)?.parse().ok()?;
        let uptime = fs::read_to_string("/proc/uptime").ok()?;
        let uptime: u64 = uptime.split('.').next()?.parse().ok()?;
        Some(uptime.saturating_sub(started / 100))
    };
    let name = name_and_rest.map(|(name, _)| name.escape_debug().to_string());
    Holder { id, name, age: age() }
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &File) -> Holder {
    Holder { id: None, name: None, age: None }
}

#[cfg(all(test, unix))]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_lock_is_waited_for_aloud_and_not_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        let said = RefCell::new(Vec::new());
        let attempt =
            |access| lock_within(root, access, Duration::ZERO, |what| said.borrow_mut().push(what.to_owned()));

        let reader = attempt(Access::Read).unwrap();
        drop(attempt(Access::Read).unwrap());
        assert_eq!(said.borrow().len(), 0);
        let error = attempt(Access::Write).unwrap_err().to_string();
        assert_eq!(said.borrow().len(), 1);
        assert!(said.borrow()[0].starts_with("waiting for "), "{said:?}");
        drop(reader);

        let _writer = attempt(Access::Write).unwrap();
        assert!(matches!(attempt(Access::Read), Err(Error::Locked { .. })));
        if cfg!(target_os = "linux") {
            let own = format!("process {} (`", std::process::id());
            assert!(said.borrow()[1].contains(&own), "{said:?}");
            assert!(said.borrow()[1].contains("`, started "), "{said:?}");
            assert!(error.contains(&own), "{error}");
        }
    }
}
