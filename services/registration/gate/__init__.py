"""The gate of a reception centre: wristbands before registration, the check-in in stages, flights that do not come or
go elsewhere."""
