//! `execute` and its questions: at a terminal, from a file, and with nobody there.
