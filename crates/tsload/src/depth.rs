//! Refuses code on which the parser's recursion would overflow the stack, which no one can catch.

/// Deeper than any code that was not made to be deep.
const MAX_DEPTH: usize = 4_000;

/// Longer than any chain of operators that was not made to be long.
const MAX_OPERATORS: usize = 40_000;

/// The offset at which the code gets too deep, if it does. Brackets in texts count too: more than
/// this of one kind in a row stand in no text of a schema either.
pub(crate) fn too_deep(source: &str) -> Option<usize> {
    // A short file cannot be deep.
    if source.len() < MAX_DEPTH {
        return None;
    }
    let (mut depth, mut prefixes, mut operators) = (0_usize, 0_usize, 0_usize);
    for (at, byte) in source.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match byte {
            b'!' | b'~' | b'+' | b'-' | b'<' => prefixes += 1,
            b' ' | b'\n' => {}
            _ => prefixes = 0,
        }
        // What one statement holds nests as a tree, one operator below the other.
        match byte {
            b';' | b',' | b'{' | b'}' => operators = 0,
            b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'?' | b'.' | b'=' | b'<'
            | b'>' => {
                operators += 1;
            }
            _ => {}
        }
        if depth > MAX_DEPTH || prefixes > MAX_DEPTH || operators > MAX_OPERATORS {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::too_deep;

    #[test]
    fn deep_code_is_refused_and_long_code_is_not() {
        assert_eq!(too_deep(&"[".repeat(5_000)), Some(4_000));
        assert_eq!(too_deep(&"!".repeat(5_000)), Some(4_000));
        assert!(too_deep(&"1+".repeat(50_000)).is_some());
        assert_eq!(too_deep(&"f([1 + 2 - 3], '((');\n".repeat(1_000)), None);
    }
}
