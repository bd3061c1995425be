//! One segment of a path pattern, with the alternatives in parentheses that shells call extended
//! globs. No crate for patterns knows them, and Drizzle Kit's does.

/// A pattern between two slashes, without braces.
pub(crate) struct Segment {
    parts: Vec<Part>,
}

#[derive(Clone)]
enum Part {
    Character(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `[a-z]`, `[!a-z]`
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    /// `@(a|b)` and the like, by the character before the parenthesis.
    Group {
        kind: char,
        choices: Vec<Vec<Self>>,
    },
}

impl Segment {
    pub(crate) fn parse(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        Self { parts: parse(&characters) }
    }

    /// The name that the segment means, if it means one only.
    pub(crate) fn literal(&self) -> Option<String> {
        let character = |it: &Part| match it {
            Part::Character(it) => Some(*it),
            Part::Any | Part::Star | Part::Set { .. } | Part::Group { .. } => None,
        };
        self.parts.iter().map(character).collect()
    }

    /// Whether the name of a file or folder fits. Names that begin with a dot have to be asked for.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let characters: Vec<char> = name.chars().collect();
        let asks_for_dot = matches!(self.parts.first(), Some(Part::Character('.')));
        (asks_for_dot || characters.first() != Some(&'.')) && fits(&self.parts, &characters)
    }
}

fn parse(text: &[char]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(&character) = text.get(at) {
        let (part, length) =
            group(&text[at..]).or_else(|| set(&text[at..])).unwrap_or_else(|| match character {
                '*' => (Part::Star, 1),
                '?' => (Part::Any, 1),
                '\\' if at + 1 < text.len() => (Part::Character(text[at + 1]), 2),
                other => (Part::Character(other), 1),
            });
        parts.push(part);
        at += length;
    }
    parts
}

/// `!(…)`, `?(…)`, `*(…)`, `+(…)` or `@(…)` at the start of the text, and its length.
fn group(text: &[char]) -> Option<(Part, usize)> {
    let kind = *text.first().filter(|it| "!?*+@".contains(**it))?;
    text.get(1).filter(|it| **it == '(')?;
    let (mut depth, mut start, mut choices) = (0_usize, 2, Vec::new());
    for (at, character) in text.iter().enumerate().skip(2) {
        match character {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            '|' if depth == 0 => {
                choices.push(parse(&text[start..at]));
                start = at + 1;
            }
            ')' => {
                choices.push(parse(&text[start..at]));
                return Some((Part::Group { kind, choices }, at + 1));
            }
            _ => {}
        }
    }
    None
}

/// `[…]` at the start of the text, and its length.
fn set(text: &[char]) -> Option<(Part, usize)> {
    text.first().filter(|it| **it == '[')?;
    let negated = matches!(text.get(1), Some('!' | '^'));
    let first = 1 + usize::from(negated);
    let end = text.iter().skip(first + 1).position(|it| *it == ']')? + first + 1;
    let mut ranges = Vec::new();
    let mut at = first;
    while at < end {
        let to = if at + 2 < end && text[at + 1] == '-' { at + 2 } else { at };
        ranges.push((text[at], text[to]));
        at = to + 1;
    }
    Some((Part::Set { ranges, negated }, end + 1))
}

fn fits(parts: &[Part], name: &[char]) -> bool {
    let Some((part, rest)) = parts.split_first() else { return name.is_empty() };
    let one = |matches: bool| matches && fits(rest, &name[1..]);
    match part {
        Part::Star => (0..=name.len()).any(|it| fits(rest, &name[it..])),
        Part::Any => one(!name.is_empty()),
        Part::Character(expected) => one(name.first() == Some(expected)),
        Part::Set { ranges, negated } => one(name.first().is_some_and(|it| {
            ranges.iter().any(|(from, to)| (from..=to).contains(&it)) != *negated
        })),
        Part::Group { kind, choices } => group_fits(*kind, choices, rest, name),
    }
}

fn group_fits(kind: char, choices: &[Vec<Part>], rest: &[Part], name: &[char]) -> bool {
    let once = || choices.iter().any(|it| fits(&[it.as_slice(), rest].concat(), name));
    // Each round takes at least one character, so this ends.
    let again = || {
        (1..=name.len()).any(|it| {
            choices.iter().any(|choice| fits(choice, &name[..it]))
                && group_fits('*', choices, rest, &name[it..])
        })
    };
    match kind {
        '@' => once(),
        '?' => fits(rest, name) || once(),
        '*' => fits(rest, name) || again(),
        '+' => once() || again(),
        // What the rest of the pattern also takes is not let in either, as in Drizzle Kit's glob.
        _ => !once() && (0..=name.len()).any(|it| fits(rest, &name[it..])),
    }
}

#[cfg(test)]
mod tests {
    use super::Segment;

    /// The names that fit, as `glob` 8.1, which Drizzle Kit uses, finds them.
    #[track_caller]
    fn check(pattern: &str, expected: &[&str]) {
        let names = ["a.ts", "ab.ts", "b.ts", "a.test.ts", "aa.ts", "c1.ts", ".a.ts", "a.js", "a"];
        let segment = Segment::parse(pattern);
        let found: Vec<_> = names.into_iter().filter(|it| segment.matches(it)).collect();
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn patterns_take_what_the_kits_glob_takes() {
        check("*.ts", &["a.ts", "ab.ts", "b.ts", "a.test.ts", "aa.ts", "c1.ts"]);
        check("?.ts", &["a.ts", "b.ts"]);
        check("[a-b]*.ts", &["a.ts", "ab.ts", "b.ts", "a.test.ts", "aa.ts"]);
        check("[!a]*.ts", &["b.ts", "c1.ts"]);
        check("@(a|b).ts", &["a.ts", "b.ts"]);
        check("?(a)b.ts", &["ab.ts", "b.ts"]);
        check("+(a).ts", &["a.ts", "aa.ts"]);
        check("*(a|b).ts", &["a.ts", "ab.ts", "b.ts", "aa.ts"]);
        check("!(*.test).ts", &["a.ts", "ab.ts", "b.ts", "aa.ts", "c1.ts"]);
        check("a.@(ts|js)", &["a.ts", "a.js"]);
        check("!(a|b).ts", &["ab.ts", "a.test.ts", "aa.ts", "c1.ts"]);
        check("!(a)*", &["b.ts", "c1.ts"]);
        check(".*", &[".a.ts"]);
        check("@(a|+(b))?(.test).ts", &["a.ts", "b.ts", "a.test.ts"]);
    }
}
