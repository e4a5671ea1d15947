//! What the catalog says that the system account and PUBLIC may do is what the documentation lists.
