// The pretended browser says nothing about https.
globalThis.isSecureContext = true;
