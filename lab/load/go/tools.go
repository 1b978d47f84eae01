//go:build tools

// Package tools names the programs that this module pins.
package tools

import (
	_ "github.com/tsenart/vegeta/v12"
	_ "go.k6.io/k6"
)
