"""What changes needs: ordinary ones and restricted ones, told, told again, withdrawn, moved."""
