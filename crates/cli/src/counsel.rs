//! Who answers questions: a file of answers, a person at the terminal, or nobody.

use raingauge_engine::counsel::{Answer, Counsel, Question};
use raingauge_engine::progress::Progress;
use raingauge_engine::report::Report;

use crate::context::Context;
use crate::ui::Ui;

/// The command line's counsel.
pub(crate) struct Advisor<'a> {
    pub(crate) ui: &'a mut Ui,
    pub(crate) context: &'a Context,
}

impl Progress for Advisor<'_> {
    fn begin(&mut self, what: &str) {
        self.ui.begin(what);
    }

    fn boundary(&mut self, name: &str) {
        self.ui.boundary(name);
    }

    fn advance(&mut self, done: u64, total: u64) {
        self.ui.advance(done, total);
    }
}

impl Counsel for Advisor<'_> {
    fn can_answer(&self) -> bool {
        self.context.answers.is_some() || self.ui.can_ask()
    }

    fn answer(&mut self, question: &Question) -> Answer {
        if let Some(answers) = &self.context.answers {
            return match answers.get(question.id).map(String::as_str) {
                Some("yes") => Answer::Yes(answers.get("database").cloned()),
                Some(_) => Answer::No,
                None => Answer::Open,
            };
        }
        if !self.ui.can_ask() {
            return Answer::Open;
        }
        if !self.ui.confirm(&question.text) {
            return Answer::No;
        }
        match &question.typed_name {
            None => Answer::Yes(None),
            Some(name) => {
                let prompt =
                    format!("This target is guarded. Type the database's name ({name}) to go on:");
                Answer::Yes(self.ui.ask(&prompt))
            }
        }
    }

    fn choose(&mut self, question: &str, choices: &[String]) -> Option<usize> {
        if self.context.answers.is_some() || !self.ui.can_ask() {
            return None;
        }
        self.ui.choose(question, choices)
    }

    fn show(&mut self, report: &Report) {
        self.ui.interim(report);
    }
}
