//! The test environment, tested without raingauge: a judge that cannot say no proves nothing.

mod adoption;
mod judge;
mod postgres;
