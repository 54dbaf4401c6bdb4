CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`name` text NOT NULL,
	`password_hash` text NOT NULL,
	`role` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email_unique` ON `users` (`email`);
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`title` text NOT NULL,
	`department` text NOT NULL,
	`location` text NOT NULL,
	`description` text NOT NULL,
	`status` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `applicants` (
	`id` text PRIMARY KEY NOT NULL,
	`job_id` text NOT NULL REFERENCES `jobs`(`id`),
	`name` text NOT NULL,
	`email` text NOT NULL,
	`stage` text NOT NULL,
	`applied_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `applicants_by_date` ON `applicants` (`applied_at`, `id`);
--> statement-breakpoint
CREATE INDEX `applicants_by_stage` ON `applicants` (`stage`);
--> statement-breakpoint
CREATE TABLE `resumes` (
	`id` text PRIMARY KEY NOT NULL,
	`applicant_id` text NOT NULL REFERENCES `applicants`(`id`),
	`file_name` text NOT NULL,
	`kind` text NOT NULL,
	`size` integer NOT NULL,
	`storage_key` text NOT NULL,
	`text` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `notes` (
	`id` text PRIMARY KEY NOT NULL,
	`applicant_id` text NOT NULL REFERENCES `applicants`(`id`),
	`author_id` text NOT NULL REFERENCES `users`(`id`),
	`body` text NOT NULL,
	`created_at` integer NOT NULL
);
