//! Who decides what only a person can decide, and watches: a terminal, a file of answers, or nobody.

use raingauge_schema::Fingerprint;

use crate::consent::{Consent, Given};
use crate::progress::Progress;
use crate::report::{Finding, Report};
use crate::site::Site;

/// Something that only a person, or a file of answers, can decide.
#[derive(Clone, Debug)]
pub struct Question {
    /// Stable word: `backup`, `reconcile`, `migrate`, `swap`.
    pub id: &'static str,
    pub text: String,
    /// The plan that a yes agrees to.
    pub plan: Fingerprint,
    /// The database's name, where it has to be typed.
    pub typed_name: Option<String>,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, with what was typed if a name was asked for.
    Yes(Option<String>),
    No,
    /// Nobody is there to answer.
    Open,
}

/// Who answers questions and watches.
pub trait Counsel: Progress {
    /// Whether anybody is there to answer; if not, the report with the open question says it all.
    fn can_answer(&self) -> bool;

    /// Answers a question; never yes by default.
    fn answer(&mut self, question: &Question) -> Answer;

    /// Lets a person choose one of some texts; nothing where nobody is there to choose.
    fn choose(&mut self, question: &str, choices: &[String]) -> Option<usize>;

    /// Shows a report that is not the last word.
    fn show(&mut self, report: &Report);
}

/// Obtains consent to a plan that was shown: the flag where that is enough, its hash, or the typed name
/// of a guarded target. Who gave no flag is not asked, because the command only shows then.
///
/// # Errors
/// The finding of [`Consent::obtain`].
pub(crate) fn agree(
    site: &Site,
    question: &Question,
    given: &Given,
    counsel: &mut dyn Counsel,
) -> Result<Consent, Box<Finding>> {
    let first = Consent::obtain(&question.plan, given, &site.circumstance(None));
    if *given != Given::Shown || first.is_ok() {
        return first;
    }
    match counsel.answer(question) {
        Answer::Yes(typed) => Consent::obtain(&question.plan, given, &site.circumstance(typed)),
        Answer::No | Answer::Open => first,
    }
}
