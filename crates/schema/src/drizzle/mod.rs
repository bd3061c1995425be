//! Drizzle's own files: journal, file names, ledger rows.
