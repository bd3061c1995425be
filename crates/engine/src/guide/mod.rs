//! The guided way: a pure state machine that says what comes next. The caller loops.
//!
//! [`next`] looks at what is true now, never at what was done earlier in this process, so a run that
//! was killed anywhere goes on from where the database and the files really are.

/// What is true of the database and the project right now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// Codes of findings that forbid going on.
    pub blocked_by: Vec<&'static str>,
    /// Files or ledger rows are missing that a plan would write.
    pub needs_reconcile: bool,
    /// Migrations that the installed Drizzle would run.
    pub n_pending: usize,
    /// A verified backup of this database, young enough to rest on.
    pub has_backup: bool,
}

/// What has been agreed to, and what has been done in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Answers so far, in the order of [`Stage`].
    pub agreed: Vec<Stage>,
    pub declined: Option<Stage>,
    pub validated: bool,
}

/// One step of the guided way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Backup,
    Reconcile,
    Migrate,
    Validate,
}

impl Stage {
    /// The stage's stable word: question id, step name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Reconcile => "reconcile",
            Self::Migrate => "migrate",
            Self::Validate => "validate",
        }
    }

    /// Whether someone has to agree before it runs.
    pub fn needs_answer(self) -> bool {
        !matches!(self, Self::Validate)
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask whether this stage may run.
    Ask(Stage),
    /// Run this stage; it is agreed to, or needs no agreement.
    Run(Stage),
    /// Stop: the findings forbid to go on.
    Blocked(Vec<&'static str>),
    /// Stop: the answer was no.
    Declined(Stage),
    Done,
}

/// Says what comes next.
pub fn next(state: &State, situation: &Situation) -> Next {
    if let Some(stage) = state.declined {
        return Next::Declined(stage);
    }
    if !situation.blocked_by.is_empty() {
        return Next::Blocked(situation.blocked_by.clone());
    }
    let writes = situation.needs_reconcile || 0 < situation.n_pending;
    let stage = if writes && !situation.has_backup {
        Stage::Backup
    } else if situation.needs_reconcile {
        Stage::Reconcile
    } else if 0 < situation.n_pending {
        Stage::Migrate
    } else if !state.validated {
        Stage::Validate
    } else {
        return Next::Done;
    };
    if stage.needs_answer() && !state.agreed.contains(&stage) {
        Next::Ask(stage)
    } else {
        Next::Run(stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drives the machine as a caller does, answering yes, until it stops.
    fn drive(mut situation: Situation) -> Vec<String> {
        let (mut state, mut trace) = (State::default(), Vec::new());
        loop {
            let it = next(&state, &situation);
            trace.push(format!("{it:?}"));
            match it {
                Next::Ask(stage) => state.agreed.push(stage),
                Next::Run(Stage::Backup) => situation.has_backup = true,
                Next::Run(Stage::Reconcile) => situation.needs_reconcile = false,
                Next::Run(Stage::Migrate) => situation.n_pending = 0,
                Next::Run(Stage::Validate) => state.validated = true,
                Next::Blocked(_) | Next::Declined(_) | Next::Done => return trace,
            }
        }
    }

    #[test]
    fn an_adoption_asks_before_each_write_and_ends_validated() {
        let trace =
            drive(Situation { needs_reconcile: true, n_pending: 1, ..Situation::default() });
        assert_eq!(
            trace.join(" "),
            "Ask(Backup) Run(Backup) Ask(Reconcile) Run(Reconcile) Ask(Migrate) Run(Migrate) Run(Validate) Done"
        );
    }

    #[test]
    fn a_second_run_only_validates() {
        assert_eq!(drive(Situation::default()).join(" "), "Run(Validate) Done");
    }

    #[test]
    fn findings_block_before_anything_is_asked() {
        let situation =
            Situation { blocked_by: vec!["unseen"], needs_reconcile: true, ..Situation::default() };
        assert_eq!(drive(situation), ["Blocked([\"unseen\"])"]);
    }

    #[test]
    fn a_no_stops_and_is_its_own_outcome() {
        let state = State { declined: Some(Stage::Reconcile), ..State::default() };
        assert_eq!(next(&state, &Situation::default()), Next::Declined(Stage::Reconcile));
    }
}
