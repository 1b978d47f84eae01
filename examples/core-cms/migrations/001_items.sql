CREATE TABLE items (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset   text NOT NULL,
    slug      text NOT NULL,
    name      text NOT NULL,
    category  text NOT NULL,
    summary   text NOT NULL,
    image_key text NOT NULL,
    UNIQUE (dataset, slug)
);
