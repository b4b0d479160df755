//! `POST /oauth/token` (`docs/COMPATIBILITY.md` C401-C463).

mod assertions;
mod codes;
mod machine;
mod password;
mod refresh;
mod refused;
mod request;
mod rotation;
mod tokens;
