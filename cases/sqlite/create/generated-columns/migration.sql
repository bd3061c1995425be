CREATE TABLE `names` (
	`first` text NOT NULL,
	`last` text,
	`both` text GENERATED ALWAYS AS ("first" || ' ' || "last") STORED,
	`length` integer GENERATED ALWAYS AS (length(first)) VIRTUAL NOT NULL,
	`shout` text GENERATED ALWAYS AS (upper(first)) VIRTUAL
);
