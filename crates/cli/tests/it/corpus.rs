//! Projects of other people, read through `RAINGAUGE_CORPUS`.
