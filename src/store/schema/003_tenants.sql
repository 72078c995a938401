-- Tenants, whose data never meet, and the tokens by which a server knows them. Times are Unix
-- milliseconds.

CREATE TABLE tenant (
    id            INTEGER PRIMARY KEY, -- what the other tables call it
    uuid          BLOB    NOT NULL UNIQUE, -- what the world calls it
    name          TEXT    NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL
);
-- Whose everything is that has no tenant: with a random UUID (version 4), another one in every file.
INSERT INTO tenant VALUES (
    1,
    CAST(randomblob(6) || char(0x40 + abs(random() % 16)) || randomblob(1)
        || substr(x'8090a0b0', 1 + abs(random() % 4), 1) || randomblob(7) AS BLOB),
    'default',
    CAST(strftime('%s', 'now') AS INTEGER) * 1000
);

-- What was told of each token; never the token itself.
CREATE TABLE token (
    id            BLOB    PRIMARY KEY, -- UUIDv7; claim token_id
    tenant        INTEGER NOT NULL,    -- tenant.id
    name          TEXT,                -- the user's own words
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    revoked_at_ms INTEGER              -- NULL: it is not
) WITHOUT ROWID;

-- Keys that tokens are signed with (ES256): the newest signs, all verify.
CREATE TABLE token_key (
    id            INTEGER PRIMARY KEY,
    kid           TEXT    NOT NULL UNIQUE, -- in the header of the tokens
    private_key   TEXT    NOT NULL,        -- PEM, PKCS #8
    public_key    TEXT    NOT NULL,        -- PEM
    created_at_ms INTEGER NOT NULL
);
