//! Alloy checks its configuration with `validate`, and its layout with `fmt` (Alloy 1.19).

use super::{Answer, Check, Complaint, Consumer, Outputs, Program, Reading, Run, place};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "alloy",
    programs: &[Program { name: "alloy", first: &[], version: &["--version"] }],
    how_to_get: "https://grafana.com/docs/alloy/latest/set-up/install/",
};

pub(super) fn checks<'a>(outputs: &'a Outputs<'_>) -> impl Iterator<Item = Check> + use<'a> {
    outputs.stack.alloys.iter().flat_map(|alloy| {
        let file = outputs.mounted(&alloy.file);
        let inside = format!("{}/{file}", super::INSIDE);
        let image = outputs.image(&alloy.service);
        let check = move |what: &'static str, read: fn(&Answer<'_>) -> Reading| Check {
            what,
            image: image.clone(),
            inside: Some(Run::new([what, &inside])),
            ..Check::new(&CONSUMER, vec![file.clone()], Run::new([what, file.as_str()]), read)
        };
        // Without `--test` it prints the formatted text, which shows the line that differs.
        [check("validate", validated), check("fmt", formatted)]
    })
}

/// `Error: FILE:12:3: message`, then an excerpt.
fn validated(answer: &Answer<'_>) -> Reading {
    if answer.succeeded {
        return Reading::Judged(Vec::new());
    }
    answer.judged(diagnostics(answer))
}

fn diagnostics(answer: &Answer<'_>) -> Vec<Complaint> {
    answer
        .stderr
        .lines()
        .filter_map(|line| {
            let line = line.strip_prefix("Error: ").unwrap_or(line);
            let (_, rest) = line.split_once(".alloy:")?;
            let number = place::number(rest)?;
            let message = rest.splitn(3, ':').nth(2)?.trim();
            Some(answer.complaint(Some(number), message))
        })
        .collect()
}

fn formatted(answer: &Answer<'_>) -> Reading {
    if !answer.succeeded {
        return answer.judged(diagnostics(answer));
    }
    let text = answer.text();
    if answer.stdout == text {
        return Reading::Judged(Vec::new());
    }
    let differs = text.lines().zip(answer.stdout.lines()).position(|(is, should)| is != should);
    let line = differs.unwrap_or_else(|| text.lines().count().min(answer.stdout.lines().count())) + 1;
    let should = answer.stdout.lines().nth(line - 1).unwrap_or_default();
    Reading::Judged(vec![
        answer.complaint(Some(line), format!("not formatted, expected `{}` (`alloy fmt`)", should.trim())),
    ])
}
