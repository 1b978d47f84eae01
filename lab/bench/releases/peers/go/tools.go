//go:build tools

// Package tools names the program that this module pins.
package tools

import _ "github.com/basecamp/kamal-proxy/cmd/kamal-proxy"
