//! What stands behind a header, as it is or as it was meant.

use crate::blob::{Bytes, Span};
use crate::format::{Attributes, Children};
use crate::limits::Output;
use crate::problem::Fault;

/// A part of an image.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) how: How,
}

/// Makes the bytes of a part from those that stand there.
pub(crate) type Undo = Box<dyn Fn(Bytes<'_>, &mut Output<'_>) -> Result<(), Fault>>;

/// The same as a function that needs to know nothing else.
pub(crate) type Decode = fn(&[u8], &mut Output<'_>) -> Result<(), Fault>;

/// What such a function does.
pub(crate) fn undo(decode: Decode) -> Undo {
    Box::new(move |bytes, output| decode(bytes.0, output))
}

/// How its bytes are got.
pub(super) enum How {
    AsIs,
    Faulty(Fault),
    Undone(Undo),
}

impl Part {
    /// Hands it out; a problem if it is not what it should be.
    pub(super) fn hand_out(&self, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        match &self.how {
            How::AsIs => children.span(self.name.as_str(), self.span, Attributes::default())?,
            How::Faulty(fault) => children.span_with(self.name.as_str(), self.span, Attributes::default(), Some(fault))?,
            How::Undone(undo) => {
                let there = Bytes(bytes.up_to(self.span.start, self.span.length));
                let missing = || Fault::Truncated(format!("{} of {} bytes are there", there.len(), self.span.length));
                let mut output = children.output();
                let fault = undo(there, &mut output).err();
                if let Some(fault) = fault.as_ref().filter(|fault| fault.is_limit()) {
                    return Err(fault.clone());
                }
                let fault = (there.len() < self.span.length).then(missing).or(fault);
                children.made_with(self.name.as_str(), output, Attributes::default(), fault.as_ref())?;
            }
        }
        Ok(())
    }
}
