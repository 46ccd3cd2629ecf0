-- Messages up to the position `read_to` have been looked at for the index; up to `unread`, where it is more, they are yet to be.
ALTER TABLE search_chats ADD COLUMN read_to INTEGER NOT NULL DEFAULT 0;
