//go:build tools

// Package tools pins the real Vault that the lab's stand-in is held to.
package tools

import _ "github.com/hashicorp/vault"
