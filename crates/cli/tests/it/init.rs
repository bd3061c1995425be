//! `raingauge init`.
