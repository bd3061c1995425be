//! The only file that prints, prompts, or knows about colour.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::OwoColorize;
use raingauge_engine::Error;
use raingauge_engine::progress::Progress;
use raingauge_engine::report::text::Tone;
use raingauge_engine::report::{Report, json, text};

use crate::arguments::Format;

/// The terminal, or what stands in for it.
pub(crate) struct Ui {
    format: Format,
    spinner: Option<ProgressBar>,
    /// Whether stdout has got what was asked for, so that the report goes elsewhere.
    is_served: bool,
}

impl Ui {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, spinner: None, is_served: false }
    }

    /// Whether someone can answer a question.
    pub(crate) fn can_ask(&self) -> bool {
        self.format == Format::Text
            && std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
    }

    /// Prints a report to stdout.
    pub(crate) fn report(&mut self, report: &Report) {
        self.quiet();
        let text = match self.format {
            Format::Json => json::render(report),
            Format::Text => text::render(report, &paint),
        };
        // A closed pipe is the reader's choice, not a failure.
        let _ = match self.is_served {
            true => anstream::stderr().write_all(text.as_bytes()),
            false => anstream::stdout().write_all(text.as_bytes()),
        };
    }

    /// Prints to stdout what was asked for instead of a report, which goes to stderr then.
    pub(crate) fn hand_out(&mut self, text: &str) {
        self.quiet();
        self.is_served = true;
        let _ = anstream::stdout().write_all(text.as_bytes());
    }

    /// Prints a report that is not the command's last word; with JSON only the last one counts.
    pub(crate) fn interim(&mut self, report: &Report) {
        self.quiet();
        if self.format == Format::Text {
            let _ = writeln!(anstream::stderr(), "{}", text::render(report, &paint));
        }
    }

    /// Prints an error: as JSON to stdout, for people to stderr.
    pub(crate) fn error(&mut self, command: &str, error: &Error) {
        self.quiet();
        match self.format {
            Format::Json => {
                let _ = anstream::stdout().write_all(json::render_error(command, error).as_bytes());
            }
            Format::Text => {
                let text = text::render_error(error, &paint);
                let _ = anstream::stderr().write_all(text.as_bytes());
            }
        }
    }

    /// Asks yes or no; the default is no, and an interrupted prompt is a no.
    pub(crate) fn confirm(&mut self, question: &str) -> bool {
        self.quiet();
        cliclack::confirm(question).initial_value(false).interact().unwrap_or(false)
    }

    /// Asks for a text; nothing when interrupted.
    pub(crate) fn ask(&mut self, question: &str) -> Option<String> {
        self.quiet();
        cliclack::input(question).required(false).interact().ok()
    }

    /// Lets one of some texts be chosen; nothing when interrupted.
    pub(crate) fn choose(&mut self, question: &str, choices: &[String]) -> Option<usize> {
        self.quiet();
        let mut prompt = cliclack::select(question);
        for (at, text) in choices.iter().enumerate() {
            prompt = prompt.item(at, text, "");
        }
        prompt.interact().ok()
    }

    fn quiet(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

impl Progress for Ui {
    fn begin(&mut self, what: &str) {
        if self.format == Format::Json || !std::io::stderr().is_terminal() {
            return;
        }
        let spinner = self.spinner.get_or_insert_with(|| {
            let spinner = ProgressBar::new_spinner();
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        spinner.set_message(what.to_owned());
        spinner.set_style(style(WORKING));
        spinner.reset();
    }

    fn boundary(&mut self, name: &str) {
        stop_here_if_asked(name);
    }

    fn advance(&mut self, done: u64, total: u64) {
        let Some(spinner) = &self.spinner else { return };
        if spinner.length() != Some(total) {
            spinner.set_style(style(MEASURED));
        }
        // An estimate may be too low.
        spinner.set_length(total.max(done));
        spinner.set_position(done);
    }
}

/// What is shown of a step, before and after it has said how large it is.
const WORKING: &str = "{spinner} {msg} {elapsed}";
const MEASURED: &str = "{spinner} {msg} {binary_bytes} of about {binary_total_bytes}, \
    {binary_bytes_per_sec}, about {eta} left";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// In builds for tests, `RAINGAUGE_CRASH_AT=<boundary>` ends the process as `kill -9` would, so that
/// recovery can be tested between any two steps; `RAINGAUGE_PAUSE_AT=<boundary>` waits for a line on
/// stdin, so that others can be let in there.
#[cfg(debug_assertions)]
fn stop_here_if_asked(name: &str) {
    if std::env::var_os("RAINGAUGE_PAUSE_AT").is_some_and(|it| it == name) {
        let _ = writeln!(std::io::stderr(), "paused {name}");
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    if std::env::var_os("RAINGAUGE_TRACE_BOUNDARIES").is_some() {
        let _ = writeln!(std::io::stderr(), "boundary {name}");
    }
    if std::env::var_os("RAINGAUGE_CRASH_AT").is_some_and(|it| it == name) {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
fn stop_here_if_asked(_name: &str) {}

fn paint(tone: Tone, text: &str) -> String {
    match tone {
        Tone::Good => text.green().to_string(),
        Tone::Bad => text.red().bold().to_string(),
        Tone::Caution => text.yellow().to_string(),
        Tone::Quiet => text.dimmed().to_string(),
        Tone::Strong => text.bold().to_string(),
    }
}
