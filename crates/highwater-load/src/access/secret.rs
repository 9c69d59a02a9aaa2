use std::fmt;

/// Something that is never shown: a password, a private key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// What it is, for those who have to know.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Neither the text nor its length.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
