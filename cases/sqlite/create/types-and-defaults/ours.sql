CREATE TABLE `types` (
	`a` integer DEFAULT -5,
	`b` integer DEFAULT false NOT NULL,
	`c` integer DEFAULT '"2021-05-06T12:00:00.250Z"',
	`d` integer DEFAULT (unixepoch() * 1000),
	`e` text DEFAULT 'it''s',
	`f` text(20),
	`g` text DEFAULT 'x',
	`h` text DEFAULT '{"a":1,"q":"o''k"}',
	`i` real DEFAULT 1.5,
	`j` numeric DEFAULT '1.5',
	`k` numeric DEFAULT 2,
	`l` blob DEFAULT '{"type":"Buffer","data":[97,98]}',
	`m` blob DEFAULT '[1,2]',
	`n` blob,
	`o` text DEFAULT CURRENT_TIMESTAMP,
	`p` text DEFAULT NULL,
	`q` real DEFAULT 1e+21,
	`r` real DEFAULT 1.5e-7,
	`s` text DEFAULT '',
	`t` decimal(10,2),
	`u` text DEFAULT 'a
b\c'
);
