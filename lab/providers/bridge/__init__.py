"""Resources of plugins that are Terraform providers behind Pulumi's bridge."""
