-- What the sign-in of whoever started an edit said of them, if roles were held through it (JSON).
ALTER TABLE bulk_edit ADD COLUMN said TEXT;
