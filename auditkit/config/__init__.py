"""auditkit.yaml → Config; conditions as people write them → trees. Every complaint has file and line."""
