//! Chance that is the same for the same seed: numbers, odd names, odd texts.

/// Words that are names only in quotes.
const KEYWORDS: [&str; 12] = [
    "select",
    "table",
    "user",
    "order",
    "all",
    "check",
    "default",
    "primary",
    "end",
    "null",
    "when",
    "check option",
];

/// A sequence of random choices (splitmix64).
#[derive(Debug)]
pub(crate) struct Chance {
    state: u64,
    /// How many names were given, so that no two are equal.
    n_names: usize,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, n_names: 0 }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let it = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// A number from 0 up to, but without, `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }

    pub(crate) fn between(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from + 1)
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One of these, or nothing if there is none.
    pub(crate) fn pick_any<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| self.pick(of))
    }

    /// A text or nothing, with one chance in `n` for the text.
    pub(crate) fn maybe(&mut self, n: usize, text: &str) -> String {
        if self.one_in(n) { text.to_owned() } else { String::new() }
    }

    /// A name that nothing else has, with everything that a name may hold.
    pub(crate) fn name(&mut self) -> String {
        self.n_names += 1;
        let n = self.n_names;
        match self.below(26) {
            0 => format!("Mixed Case {n}"),
            1 => format!("dot.ted{n}"),
            2 => format!("quo\"ted\"{n}"),
            3 => format!("apo'strophe{n}"),
            4 => format!("größe_{n}"),
            5 => format!("表_{n}"),
            6 => format!("🦭{n}"),
            7 => format!("{n} starts with digits"),
            8 => format!("back\\slash $${n}$1 %s"),
            9 => format!("-- no /* comment; {n}"),
            10 => format!("tail{n} "),
            11 => format!("new\nline{n}"),
            12 | 13 => full(n),
            14 => format!("(a, b){n}"),
            15 => KEYWORDS.get(n % 40).map_or(format!("n{n}"), |it| (*it).to_owned()),
            _ => {
                format!("{}_{n}", self.pick(&["books", "author", "price", "shelf", "log", "item"]))
            }
        }
    }

    /// A text for comments, defaults and labels.
    pub(crate) fn text(&mut self) -> String {
        let n = self.below(1000);
        match self.below(9) {
            0 => format!("it's \"{n}\""),
            1 => format!("two\nlines {n}"),
            2 => format!("-- Name: t{n}; Type: TABLE; Schema: public; Owner: -"),
            3 => format!("a; b; {n}"),
            4 => format!("$$ {n} $body$"),
            5 => format!("back\\slash {n} \\n"),
            6 => format!("日本語 {n} 🦭"),
            _ => format!("text {n}"),
        }
    }
}

/// A name that fills all the 63 bytes that a name may have.
fn full(n: usize) -> String {
    let mut name = format!("ä{n}_");
    while name.len() + 2 <= 63 {
        name.push('ö');
    }
    while name.len() < 63 {
        name.push('x');
    }
    name
}

/// A name as SQL.
pub(crate) fn q(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL.
pub(crate) fn lit(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
