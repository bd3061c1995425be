//! Numbers → a table in `bench/README.md` and every single run in `bench/results/`.

use std::fs;

use raingauge_testkit::{Failure, Result};
use serde::{Deserialize, Serialize};

use super::contest::{Outcome, Series};
use super::machine::Machine;
use super::measure::{End, Run};
use crate::process::root;

/// Everything that one benchmark measured.
#[derive(Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) machine: Machine,
    pub(super) outcomes: Vec<Outcome>,
}

/// Writes the results of a benchmark, and its table between its markers in the README.
pub(super) fn write(name: &str, results: &Results, table: &str) -> Result {
    let folder = root().join("bench");
    let mut json = serde_json::to_string_pretty(results)?;
    json.push('\n');
    fs::create_dir_all(folder.join("results"))?;
    fs::write(folder.join("results").join(format!("{name}.json")), json)?;
    let readme = folder.join("README.md");
    let text = fs::read_to_string(&readme)?;
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let parts =
        text.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?)));
    let Some((head, (_, tail))) = parts else {
        return Err(Failure::new(format!("bench/README.md has no markers for `{name}`")));
    };
    let told = machine(&results.machine);
    Ok(fs::write(readme, format!("{head}{begin}\n{told}\n\n{table}\n{end}{tail}"))?)
}

/// One paragraph on what the numbers depend on.
fn machine(it: &Machine) -> String {
    format!(
        "Measured {} on {} cores of {}, {}, {}; load of the last minute {} before and {} after. {}.",
        it.when,
        it.n_cores,
        it.processor,
        it.memory,
        it.system,
        it.load[0],
        it.load[1],
        it.versions.join(" · ")
    )
}

/// A table with one row per size and program. `base` is the program that the others are compared to.
pub(super) fn table(outcomes: &[Outcome], base: &str) -> String {
    let mut lines = vec![
        format!(
            "| | program | wall: median (least – greatest) | × {base} | CPU: own + server | × {base} | peak memory | runs |"
        ),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for outcome in outcomes {
        let base = outcome.contenders.iter().find(|it| it.name == base);
        for series in &outcome.contenders {
            lines.push(row(&outcome.size, series, base));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn row(size: &str, series: &Series, base: Option<&Series>) -> String {
    let cell = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let wall = series.spread(|it| it.wall).map(|[least, median, greatest]| {
        format!("{} ({} – {})", time(median), time(least), time(greatest))
    });
    let middle = |figure: fn(&Run) -> f64| series.spread(figure).map(|it| it[1]);
    let cpu = middle(|it| it.cpu)
        .zip(middle(|it| it.server_cpu))
        .map(|(own, server)| format!("{} + {}", time(own), time(server)));
    let ratio = |figure: fn(&Run) -> f64| {
        base.and_then(|it| series.ratio(it, figure)).map(|it| format!("{it:.2}"))
    };
    format!(
        "| {size} | {} | {} | {} | {} | {} | {} | {} |",
        series.name,
        wall.unwrap_or_else(|| failure(series)),
        cell(ratio(|it| it.wall)),
        cell(cpu),
        cell(ratio(|it| it.cpu + it.server_cpu)),
        cell(middle(memory).map(|it| format!("{it:.0} MB"))),
        series.runs.len()
    )
}

#[expect(clippy::cast_precision_loss, reason = "kilobytes of a process are few")]
fn memory(run: &Run) -> f64 {
    run.peak as f64 / 1024.0
}

fn failure(series: &Series) -> String {
    match series.runs.iter().map(|it| &it.end).find(|it| **it != End::Good) {
        Some(End::TooLong(seconds)) => format!("> {seconds} s"),
        Some(End::Failed(words)) => format!("fails: `{}`", words.replace(['|', '`'], " ")),
        Some(End::Good) | None => "–".to_owned(),
    }
}

/// Milliseconds for people, three digits.
pub(super) fn time(millis: f64) -> String {
    match millis {
        it if it < 9.95 => format!("{it:.1} ms"),
        it if it < 999.5 => format!("{it:.0} ms"),
        it if it < 9_995.0 => format!("{:.2} s", it / 1000.0),
        it => format!("{:.1} s", it / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let shown = [1.24, 12.4, 124.0, 1240.0, 12_400.0].map(time);
        assert_eq!(shown, ["1.2 ms", "12 ms", "124 ms", "1.24 s", "12.4 s"]);
    }

    #[test]
    fn who_is_too_slow_is_told_so() {
        let end = End::TooLong(300);
        let run = Run { wall: 3e5, cpu: 1.0, server_cpu: 1.0, peak: 1, end };
        let series = Series { name: "slow".to_owned(), runs: vec![run] };
        assert!(row("10", &series, None).starts_with("| 10 | slow | > 300 s | – |"));
    }
}
