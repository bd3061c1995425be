//! Tests against real servers and files. One binary, one module per subject.

mod postgres_scratch;
mod postgres_session;
