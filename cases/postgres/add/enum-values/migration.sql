ALTER TYPE "app"."level" ADD VALUE 'high';--> statement-breakpoint
ALTER TYPE "public"."mood" ADD VALUE 'a' BEFORE 'b';--> statement-breakpoint
ALTER TYPE "public"."mood" ADD VALUE 'c1' BEFORE 'd';--> statement-breakpoint
ALTER TYPE "public"."mood" ADD VALUE 'c2' BEFORE 'd';--> statement-breakpoint
ALTER TYPE "public"."mood" ADD VALUE 'e';