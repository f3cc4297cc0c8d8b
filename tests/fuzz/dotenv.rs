//! A `.env` file, read and filled.

use stackgen::dev::dotenv::{Assignment, Change, Dotenv};

use super::random::Random;
use super::run::Target;
use super::text;

pub const TARGET: Target = Target { name: "dotenv", cases: 3_000, make, check };

const LINES: &[&str] = &[
    "",
    "# comment",
    "A=1",
    "export B='it\\'s' # no",
    "C: \"a\\n$$5\\$\" # c",
    "D=1 # two",
    "E=",
    "F",
    "G='a\nb'",
    "H=a#b",
    "A='x' # y",
    "export A = x",
    "B=\"\"#c",
    "B=''",
    "\tA\t=\tx\t",
    "A=\\",
    "A='\\'",
    "A=\"\\0101\"",
    "A=${B}",
    "A=a\\#b",
    "A.B-C[0]=1",
    "A=\"x\ny\" # z",
    "export",
    "export A",
    "A:",
    "=x",
    "é=é",
    "A=x # é",
    "\r",
    "A=\"a\\\"b\"",
    "NEW=",
    "NEW=''",
];

fn make(random: &mut Random) -> Vec<u8> {
    let end = if random.one_in(4) { "\r\n" } else { "\n" };
    let lines: Vec<&str> = (0..random.below(8)).map(|_| *random.pick(LINES)).collect();
    let mut input = lines.join(end).into_bytes();
    if !random.one_in(3) {
        input.extend_from_slice(end.as_bytes());
    }
    if random.one_in(16) {
        input.splice(0..0, "\u{feff}".bytes());
    }
    if random.one_in(2) {
        text::scratch(&mut input, random);
    }
    input
}

fn check(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let file = match Dotenv::parse(text) {
        Ok(file) => file,
        Err(error) => {
            assert!((1..=text.matches('\n').count() + 1).contains(&error.line) && !error.reason.is_empty());
            return false;
        }
    };
    let values = ["x", "x y", "it's \"$A\" #\\", "a\nb", "é\t", ""];
    let names = ["A", "B", "E", "F", "NEW"];
    for value in values {
        let assignments = names.map(|name| Assignment {
            name: name.to_owned(),
            value: value.to_owned(),
            description: "What it is".to_owned(),
        });
        let (filled, changes) = file.fill(&assignments);
        let again = Dotenv::parse(&filled).unwrap_or_else(|error| panic!("{}: {filled:?}", error.reason));
        for (name, change) in names.iter().zip(&changes) {
            let expected = if *change == Change::Kept { file.get(name) } else { Some(value) };
            assert_eq!(again.get(name), expected, "{name} in {filled:?}");
        }
        let others = |file: &Dotenv| -> Vec<(String, String)> {
            let others = file.variables().filter(|(name, _)| !names.contains(name));
            others.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        assert_eq!(others(&again), others(&file), "{filled:?}");
        let (twice, changes) = again.fill(&assignments);
        assert_eq!(twice, filled);
        assert!(value.is_empty() || !changes.contains(&Change::Filled), "{filled:?}");
    }
    true
}
