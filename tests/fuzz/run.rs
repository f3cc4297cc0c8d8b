//! Runs the cases of a target: catches what fails, makes it small, and says how to run it again.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use super::random::Random;

/// What is fuzzed.
pub struct Target {
    /// Its name: that of its test and of its folder in the corpus.
    pub name: &'static str,
    /// Cases of an ordinary test run.
    pub cases: u64,
    /// Makes the input of a case.
    pub make: fn(&mut Random) -> Vec<u8>,
    /// Fails if something is wrong with how an input is handled. Returns whether it is valid.
    pub check: fn(&[u8]) -> bool,
}

/// The folder of the inputs that failed once.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus");

/// Where the inputs of failures are written.
const FAILURES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/fuzz");

/// After so much time of a processor a case hangs; nothing else depends on time.
const HANGS: Duration = Duration::from_mins(1);

/// The limit of the process's memory, in kB, of which the seeds and the test harness need a fifth.
const MOST_MEMORY: u64 = 2_000_000;

/// Inputs that are tried to make a failing one smaller.
const ATTEMPTS: usize = 4_000;

/// Characters of a message that are shown.
const LONGEST: usize = 2_000;

/// How a check failed.
struct Failure {
    /// The line of code, which tells failures apart.
    place: String,
    message: String,
}

/// Checks every input of the corpus, and then as many cases as the environment says.
pub fn fuzz(target: &Target) {
    let Target { name, .. } = target;
    let mut failures: BTreeSet<String> = BTreeSet::new();
    let mut corpus: Vec<PathBuf> =
        fs::read_dir(Path::new(CORPUS).join(name)).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    corpus.sort();
    for path in corpus {
        let input = fs::read(&path).unwrap();
        if let Err(Failure { place, message }) = watched(&path.display().to_string(), || (target.check)(&input)) {
            println!("{} fails at {place}: {message}", path.display());
            failures.insert(place);
        }
    }

    let number = |variable: &str| env::var(variable).ok().map(|text| text.parse::<u64>().expect(variable));
    let seed = env::var("FUZZ_SEED").unwrap_or_default();
    let cases = match number("FUZZ_CASE") {
        Some(case) => case..case + 1,
        None => 0..target.cases * number("FUZZ_TIMES").unwrap_or(1),
    };
    let (total, start) = (cases.end - cases.start, Instant::now());
    let mut valid = 0;
    for case in cases {
        let case_name = format!("{name}: case {case} of seed `{seed}`");
        let result = watched(&case_name, || {
            let input = (target.make)(&mut Random::new(&seed, name, case));
            tried(&input);
            (target.check)(&input)
        });
        match result {
            Ok(is_valid) => valid += u64::from(is_valid),
            Err(failure) if failures.contains(&failure.place) => {}
            Err(failure) => {
                let small = smaller(&TRIED.take(), |input| match watched(&case_name, || (target.check)(input)) {
                    Ok(_) => false,
                    Err(found) => found.place == failure.place,
                });
                let file = Path::new(FAILURES).join(format!("{name}-{seed}-{case}"));
                fs::create_dir_all(FAILURES).unwrap();
                fs::write(&file, &small).unwrap();
                let Failure { place, message } = failure;
                println!(
                    "{case_name} fails at {place}: {message}\n\
                     the smallest input that fails there is {}:\n\n{}\n\n\
                     run it again: FUZZ_SEED={seed} FUZZ_CASE={case} cargo test --test fuzz {name}\n\
                     once it is fixed, keep the input as tests/fuzz/corpus/{name}/<what was wrong>\n",
                    file.display(),
                    String::from_utf8_lossy(&small),
                );
                failures.insert(place);
            }
        }
    }
    println!("{name}: {total} cases of seed `{seed}`, {valid} valid, {:.1} s", start.elapsed().as_secs_f64());
    assert!(failures.is_empty(), "{name}: {} failures, see above", failures.len());
}

/// The input without what the failure doesn't need.
fn smaller(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut attempts = ATTEMPTS;
    let mut best = input.to_vec();
    let by_line = |input: &[u8]| pieces(input, |before, _| before == b'\n');
    let by_word = |input: &[u8]| pieces(input, |before, after| !(is_word(before) && is_word(after)));
    let by_byte = |input: &[u8]| pieces(input, |_, _| true);
    loop {
        let before = best.len();
        without(&mut best, by_line, &mut attempts, &fails);
        without(&mut best, by_word, &mut attempts, &fails);
        if best.len() == before || attempts == 0 {
            break;
        }
    }
    without(&mut best, by_byte, &mut attempts, &fails);
    best
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || !byte.is_ascii()
}

fn pieces(input: &[u8], ends: impl Fn(u8, u8) -> bool) -> Vec<Vec<u8>> {
    input.chunk_by(|&before, &after| !ends(before, after)).map(<[u8]>::to_vec).collect()
}

/// Leaves out pieces: half of them, then a quarter, and at last one by one.
fn without(
    best: &mut Vec<u8>,
    split: impl Fn(&[u8]) -> Vec<Vec<u8>>,
    attempts: &mut usize,
    fails: impl Fn(&[u8]) -> bool,
) {
    let mut pieces = split(best);
    let mut size = pieces.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < pieces.len() {
            if *attempts == 0 {
                return;
            }
            *attempts -= 1;
            let mut rest = pieces.clone();
            rest.drain(at..(at + size).min(pieces.len()));
            let input = rest.concat();
            if fails(&input) {
                (pieces, *best) = (rest, input);
            } else {
                at += size;
            }
        }
        size /= 2;
    }
}

thread_local! {
    /// The failure of a case on this thread; `None` while none runs.
    static FAILED: RefCell<Option<Failure>> = const { RefCell::new(None) };
    /// The input of the case.
    static TRIED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Remembers the input in case it fails; it may be one on the way to that of the case.
pub fn tried(input: &[u8]) {
    TRIED.with_borrow_mut(|tried| {
        tried.clear();
        tried.extend_from_slice(input);
    });
}

/// The cases that run.
static RUNNING: Mutex<Vec<(thread::ThreadId, String)>> = Mutex::new(Vec::new());

/// Runs a case and catches its panic. A case that hangs or takes all memory ends the process.
fn watched<T>(name: &str, case: impl FnOnce() -> T) -> Result<T, Failure> {
    static SETUP: Once = Once::new();
    SETUP.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_case = FAILED.with_borrow_mut(|failed| {
                let Some(failed) = failed else { return false };
                let message = info.payload_as_str().unwrap_or("a panic without a message");
                let message = message.chars().take(LONGEST).collect();
                *failed = Failure { place: info.location().map(ToString::to_string).unwrap_or_default(), message };
                true
            });
            if !is_case {
                default(info);
            }
        }));
        thread::spawn(watch);
    });
    let this = thread::current().id();
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push((this, name.to_owned()));
    FAILED.set(Some(Failure { place: String::new(), message: String::new() }));
    if env::var_os("FUZZ_TRACE").is_some() {
        eprintln!("{name}");
    }
    let result = panic::catch_unwind(AssertUnwindSafe(case));
    let failed = FAILED.take();
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|(thread, _)| *thread != this);
    result.map_err(|_| failed.unwrap())
}

/// Ends the process if one of its cases does not end, or takes too much memory.
fn watch() {
    let mut since: HashMap<thread::ThreadId, (String, Duration)> = HashMap::new();
    loop {
        thread::sleep(Duration::from_millis(200));
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        let is_full = peak.is_some_and(|peak: u64| peak > MOST_MEMORY);
        let now = worked();
        let mut names = String::new();
        for (thread, name) in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let (known, start) = since.entry(*thread).or_default();
            if known != name {
                (*known, *start) = (name.clone(), now);
            }
            if is_full || now.saturating_sub(*start) > HANGS {
                let _ = writeln!(names, "{name}");
            }
        }
        if !names.is_empty() {
            let what = if is_full { "takes too much memory" } else { "hangs" };
            eprintln!("one of these cases {what}:\n{names}");
            process::abort();
        }
    }
}

/// The time that the process has had a processor, on Linux: whoever else needs one is no reason to call a case hung.
fn worked() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    // `utime` and `stime` in hundredths of a second (proc_pid_stat(5)).
    let hundredths = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(hundredths.sum::<u64>() * 10)
}
