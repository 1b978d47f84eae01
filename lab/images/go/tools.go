//go:build tools

// Package tools names the two programs that this module pins.
package tools

import (
	_ "github.com/minio/mc"
	_ "github.com/minio/minio"
)
