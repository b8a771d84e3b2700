//! What of the claim stands in state.

use tf_provider::{Attr, Model};

/// The marks by which the provider knows an object as a resource's own (they are the object's `deeploy:uid` and `deeploy:incarnation` tags).
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct ClaimMarks {
    /// Made once, at the first create.
    #[tf(computed)]
    pub uid: Attr<String>,
    /// Made anew whenever another apply takes an unfinished create over; a state with an old one deletes nothing.
    #[tf(computed)]
    pub incarnation: Attr<String>,
    /// The account that it is in. With the provider in another one nothing is read, changed or deleted.
    #[tf(computed)]
    pub account_id: Attr<String>,
    /// The region that it was made from.
    #[tf(computed)]
    pub region: Attr<String>,
}
