-- Tables to try change data capture on, with a few rows. Updates and deletes tell the whole row as it was.
CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE videos (id bigint PRIMARY KEY, user_id bigint NOT NULL, title text NOT NULL, views bigint NOT NULL DEFAULT 0);
CREATE TABLE comments (id bigint PRIMARY KEY, video_id bigint NOT NULL, user_id bigint NOT NULL, body text NOT NULL);
ALTER TABLE users REPLICA IDENTITY FULL;
ALTER TABLE videos REPLICA IDENTITY FULL;
ALTER TABLE comments REPLICA IDENTITY FULL;
INSERT INTO users (id, name) VALUES (1, 'ada'), (2, 'grace');
INSERT INTO videos (id, user_id, title) VALUES (1, 1, 'notes on an engine'), (2, 2, 'a nanosecond of wire');
INSERT INTO comments VALUES (1, 1, 2, 'more, please');
