//! Consent: who agreed to which plan.
//!
//! A write to live takes a [`Consent`], and only [`Consent::obtain`] makes one: what must not be
//! skipped does not compile when skipped.

use raingauge_schema::Fingerprint;

use crate::report::Finding;

/// How many digits of a plan's hash are enough to name it.
const MIN_DIGITS: usize = 12;

/// What the caller brought along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Given {
    #[default]
    Nothing,
    /// `--confirm`, or yes at the prompt: the plan that was just shown.
    Shown,
    /// `--confirm=<hash>`: exactly that plan.
    Plan(String),
}

/// Where the consent is asked for.
#[derive(Clone, Debug, Default)]
pub struct Circumstance {
    /// The database's name, which has to be typed for a guarded target.
    pub database: String,
    /// Whether the target is on another machine or marked `protected`.
    pub guarded: bool,
    /// What was typed at the prompt, if there was one.
    pub typed: Option<String>,
}

/// Someone agreed to exactly this plan.
#[derive(Clone, Debug)]
pub struct Consent {
    plan: Fingerprint,
}

impl Consent {
    /// Makes a consent to `plan`, or says what is missing.
    ///
    /// # Errors
    /// A finding: `plan-stale` if another plan was agreed to, `consent-needed` if nobody agreed, or not
    /// in the form that a guarded target needs.
    pub fn obtain(
        plan: &Fingerprint,
        given: &Given,
        circumstance: &Circumstance,
    ) -> Result<Self, Box<Finding>> {
        let granted = match given {
            Given::Nothing => false,
            Given::Shown => {
                !circumstance.guarded || circumstance.typed.as_ref() == Some(&circumstance.database)
            }
            Given::Plan(hash) if MIN_DIGITS <= hash.len() && plan.as_str().starts_with(hash) => {
                true
            }
            Given::Plan(hash) => return Err(Box::new(stale(plan, hash))),
        };
        if granted {
            Ok(Self { plan: plan.clone() })
        } else {
            Err(Box::new(needed(plan, circumstance)))
        }
    }

    /// The same agreement for a part of what was shown; the caller has checked that it is a part.
    pub(crate) fn for_part(&self, part: &Fingerprint) -> Self {
        Self { plan: part.clone() }
    }

    /// The plan that was agreed to.
    pub fn plan(&self) -> &Fingerprint {
        &self.plan
    }
}

fn stale(plan: &Fingerprint, hash: &str) -> Finding {
    Finding::error(
        "plan-stale",
        format!("plan {hash}"),
        "is not the plan that would run now; nothing was changed",
    )
    .evidence(format!("the plan now: {}", plan.short()))
    .evidence("the database, the history folder or `schema.ts` changed since that plan was shown")
    .next(format!("read the plan again, then agree to it with `--confirm={}`", plan.short()))
}

fn needed(plan: &Fingerprint, circumstance: &Circumstance) -> Finding {
    let subject = format!("plan {}", plan.short());
    if circumstance.guarded {
        return Finding::error(
            "consent-needed",
            subject,
            format!(
                "the database `{}` is on another machine or marked protected, so the plan itself has to be named; nothing was changed",
                circumstance.database
            ),
        )
        .next(format!("to carry out exactly this plan: `--confirm={}`", plan.short()));
    }
    Finding::error("consent-needed", subject, "nobody agreed to the plan; nothing was changed")
        .next("to carry out the plan: `--confirm`")
        .next(format!("to carry out exactly this plan: `--confirm={}`", plan.short()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Fingerprint {
        Fingerprint::of_bytes(b"plan")
    }

    #[track_caller]
    fn check(given: Given, guarded: bool, typed: Option<&str>, expected: &str) {
        let circumstance =
            Circumstance { database: "shop".into(), guarded, typed: typed.map(str::to_owned) };
        let found = match Consent::obtain(&plan(), &given, &circumstance) {
            Ok(consent) => consent.plan().as_str().to_owned(),
            Err(finding) => finding.code.to_owned(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_local_target_needs_only_the_flag() {
        check(Given::Nothing, false, None, "consent-needed");
        check(Given::Shown, false, None, plan().as_str());
    }

    #[test]
    fn t67_a_guarded_target_needs_the_hash_or_the_typed_name() {
        check(Given::Shown, true, None, "consent-needed");
        check(Given::Shown, true, Some("shpo"), "consent-needed");
        check(Given::Shown, true, Some("shop"), plan().as_str());
        check(Given::Plan(plan().short()), true, None, plan().as_str());
    }

    #[test]
    fn t68_another_plans_hash_is_stale_and_a_short_one_too_vague() {
        check(Given::Plan(Fingerprint::of_bytes(b"other").short()), false, None, "plan-stale");
        check(Given::Plan(plan().as_str().chars().take(6).collect()), false, None, "plan-stale");
    }
}
