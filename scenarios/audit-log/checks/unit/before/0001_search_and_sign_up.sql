ALTER TABLE `users` ADD `department` text;
--> statement-breakpoint
ALTER TABLE `users` ADD `agency` text;
--> statement-breakpoint
CREATE TABLE `vectors` (
	`applicant_id` text PRIMARY KEY NOT NULL REFERENCES `applicants`(`id`) ON DELETE cascade,
	`embedding` blob NOT NULL
);
