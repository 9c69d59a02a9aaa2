//! `sasl.jaas.config`: `LoginModule required username="…" password="…";`
//!
//! Invariant: nothing of the text stands in what is said about it but the name of its module.

use super::secret::Secret;

/// Who logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    /// The class, without its package.
    pub(super) module: String,
    pub(super) username: Secret,
    pub(super) password: Secret,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A word, or what stands in quotes.
    Text(String),
    Equals,
    End,
}

/// Reads it; the reason if it can't be used.
pub(super) fn parse(text: &Secret) -> Result<Login, String> {
    let mut tokens = tokens(text.reveal())?.into_iter();
    let Some(Token::Text(class)) = tokens.next() else {
        return Err("it is empty".to_owned());
    };
    let module = class.rsplit('.').next().unwrap_or_default().to_owned();
    match tokens.next() {
        Some(Token::Text(flag)) if flag == "required" => {}
        _ => return Err("after the login module, `required` is missing".to_owned()),
    }
    let (mut username, mut password) = (None, None);
    loop {
        let name = match tokens.next() {
            Some(Token::Text(name)) => name,
            Some(Token::End) => break,
            Some(Token::Equals) => return Err(OPTIONS.to_owned()),
            None => return Err("the `;` at its end is missing".to_owned()),
        };
        let (Some(Token::Equals), Some(Token::Text(value))) = (tokens.next(), tokens.next()) else {
            return Err(OPTIONS.to_owned());
        };
        match name.as_str() {
            "username" => username = Some(Secret::new(value)),
            "password" => password = Some(Secret::new(value)),
            _ => {}
        }
    }
    if tokens.next().is_some() {
        return Err("it has more than one login module".to_owned());
    }
    Ok(Login {
        module,
        username: username.ok_or("it has no username=\"…\"")?,
        password: password.ok_or("it has no password=\"…\"")?,
    })
}

const OPTIONS: &str = "an option is written name=\"value\", and the last one is followed by `;`";

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() => {}
            '=' => tokens.push(Token::Equals),
            ';' => tokens.push(Token::End),
            quote @ ('"' | '\'') => {
                let mut inside = String::new();
                loop {
                    match rest.next() {
                        None => return Err("a quote is not closed".to_owned()),
                        Some(c) if c == quote => break,
                        Some('\\') => inside.extend(rest.next()),
                        Some(c) => inside.push(c),
                    }
                }
                tokens.push(Token::Text(inside));
            }
            c => {
                let mut word = c.to_string();
                while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !matches!(c, '=' | ';' | '"')) {
                    word.push(c);
                }
                tokens.push(Token::Text(word));
            }
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required";

    #[test]
    fn a_login_is_read() {
        for (options, username, password) in [
            (
                "username=\"alice\" password=\"s3;c=r\\\"et\";",
                "alice",
                "s3;c=r\"et",
            ),
            (
                "username='alice'\n password='x' tokenauth=\"false\" ;",
                "alice",
                "x",
            ),
            ("username=alice password=x;", "alice", "x"),
            ("username=\"alice\" password=\";\";", "alice", ";"),
        ] {
            let login = parse(&Secret::new(format!("{SCRAM} {options}"))).expect(options);
            assert_eq!(login.module, "ScramLoginModule");
            assert_eq!(login.username.reveal(), username);
            assert_eq!(login.password.reveal(), password);
        }
    }

    #[test]
    fn what_is_missing_is_told_without_what_is_there() {
        for (text, reason) in [
            (String::new(), "empty"),
            ("ScramLoginModule username=\"hunter2\";".to_owned(), "`required`"),
            (format!("{SCRAM} password=\"hunter2\";"), "username"),
            (format!("{SCRAM} username=\"hunter2\";"), "password"),
            (
                format!("{SCRAM} username=\"hunter2\" password=\"hunter2\""),
                "`;`",
            ),
            (format!("{SCRAM} username=\"hunter2"), "quote"),
            (format!("{SCRAM} username hunter2;"), "name="),
            (format!("{SCRAM} username=;"), "name="),
        ] {
            let told = parse(&Secret::new(text)).expect_err(reason);
            assert!(told.contains(reason), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
