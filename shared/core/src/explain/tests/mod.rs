//! Explanations: what they print, and that they say what is enforced.

mod agreement;
mod minimal;
mod printed;
mod world;
